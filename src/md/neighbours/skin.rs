//! The skin of a list: when it is out of date.
//!
//! A list of the pairs within cutoff + skin holds all pairs within the cutoff until two atoms have
//! come nearer by the skin, so at least until one has moved more than half of it.

use crate::md::system::{Vector, dot, sub};

/// The skin of one list, and where the atoms were when the list was built.
#[derive(Debug, Clone)]
pub(in crate::md) struct Skin {
    width: f64,
    built_at: Vec<Vector>,
    builds: u64,
    dangerous: u64,
    /// Checks since the last build.
    checks: u64,
}

impl Skin {
    /// The skin of a list of `atoms` atoms that is not built yet; `width` in angstrom.
    pub(in crate::md) fn new(width: f64, atoms: usize) -> Self {
        let built_at = vec![[0.0; 3]; atoms];
        Self { width, built_at, builds: 0, dangerous: 0, checks: 0 }
    }

    /// Its width in angstrom.
    pub(in crate::md) fn width(&self) -> f64 {
        self.width
    }

    /// Where the atoms were when the list was built.
    pub(in crate::md) fn built_at(&self) -> &[Vector] {
        &self.built_at
    }

    /// Whether an atom has moved more than half the skin since the list was built. If so, the
    /// caller builds the list, and says so by [`Skin::rebuilt`].
    pub(in crate::md) fn check(&mut self, positions: &[Vector]) -> bool {
        let stale = self.is_stale(positions);
        self.dangerous += u64::from(stale && self.checks == 0 && self.width > 0.0);
        self.checks += 1;
        stale
    }

    /// Notes a check that was needless, since the caller knows that no atom has moved that far.
    pub(in crate::md) fn passed(&mut self) {
        self.checks += 1;
    }

    fn is_stale(&self, positions: &[Vector]) -> bool {
        let limit = 0.25 * self.width * self.width;
        let moved = |(&x, &at): (&Vector, &Vector)| dot(sub(x, at), sub(x, at));
        // A NaN counts as moved, so that a build can name the atom.
        !positions.iter().zip(&self.built_at).map(moved).all(|d| d <= limit)
    }

    /// Notes that the list is built from `positions`.
    ///
    /// # Panics
    ///
    /// If the number of atoms changed.
    pub(in crate::md) fn rebuilt(&mut self, positions: &[Vector]) {
        assert_eq!(positions.len(), self.built_at.len(), "the number of atoms changed");
        self.built_at.copy_from_slice(positions);
        self.builds += 1;
        self.checks = 0;
    }

    /// Number of builds.
    pub(in crate::md) fn builds(&self) -> u64 {
        self.builds
    }

    /// Number of builds after a check that was the first since the build before.
    pub(in crate::md) fn dangerous_builds(&self) -> u64 {
        self.dangerous
    }

    /// Copies `other`, of as many atoms, without allocating.
    pub(in crate::md) fn copy_from(&mut self, other: &Self) {
        let Self { width, built_at, builds, dangerous, checks } = other;
        self.built_at.clone_from(built_at);
        (self.width, self.builds, self.dangerous) = (*width, *builds, *dangerous);
        self.checks = *checks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(width: f64) -> Skin {
        let mut skin = Skin::new(width, 1);
        skin.rebuilt(&[[1.0; 3]]);
        skin
    }

    #[test]
    fn half_the_skin_is_the_limit() {
        let mut skin = built(1.0);
        assert!(!skin.check(&[[1.5, 1.0, 1.0]]), "moved by just half the skin");
        assert!(skin.check(&[[1.0, 0.499, 1.0]]), "moved by more");
        assert!(skin.check(&[[f64::NAN, 1.0, 1.0]]), "moved to nowhere");
    }

    #[test]
    fn a_build_after_the_first_check_is_dangerous() {
        let mut skin = built(1.0);
        assert!(skin.check(&[[1.6, 1.0, 1.0]]), "far in one step");
        skin.rebuilt(&[[1.6, 1.0, 1.0]]);
        assert_eq!((skin.builds(), skin.dangerous_builds()), (2, 1), "at the first check");
        assert!(!skin.check(&[[2.0, 1.0, 1.0]]), "within half the skin");
        assert!(skin.check(&[[2.2, 1.0, 1.0]]), "beyond");
        assert_eq!(skin.dangerous_builds(), 1, "at the second check");
        let mut bare = built(0.0);
        assert!(bare.check(&[[1.1, 1.0, 1.0]]), "any motion");
        assert_eq!(bare.dangerous_builds(), 0, "a list without skin is built at each step");
    }
}
