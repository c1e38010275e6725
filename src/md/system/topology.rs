//! Which atoms are bonded to each other.

/// Bonds and angles between atoms: numbers of atoms. A bond leads to the nearest image of an atom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// Two atoms each.
    pub bonds: Vec<[u32; 2]>,
    /// Three atoms each, the one at the corner in the middle.
    pub angles: Vec<[u32; 3]>,
}

impl Topology {
    /// The pairs of atoms of one molecule that are one or two bonds apart: those of each bond, and
    /// the outer two of each angle. The image of one that is nearest to the other is meant.
    pub fn excluded(&self) -> impl Iterator<Item = [u32; 2]> + '_ {
        let outer = self.angles.iter().map(|&[i, _, k]| [i, k]);
        self.bonds.iter().copied().chain(outer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_angle_excludes_its_outer_atoms() {
        let water = Topology { bonds: vec![[0, 1], [0, 2]], angles: vec![[1, 0, 2]] };
        assert!(water.excluded().eq([[0, 1], [0, 2], [1, 2]]), "all three pairs");
    }
}
