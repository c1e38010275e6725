//! The potentials of the cases, and the work that a step of each does.

use crate::case::Work;
use crate::md::potentials::{LennardJones, StillingerWeber, Truncation};

/// A potential with what its cases need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<P> {
    pub(super) potential: P,
    pub(super) dt_ps: f64,
    /// Angstrom. Each run starts from a fresh list and is too short to outlive it; what a build costs
    /// is measured by the `neighbours` and `clusters` cases.
    pub(super) skin: f64,
    /// No eigenvalue of the second derivatives of E exceeds this, in eV/angstrom^2.
    pub(super) stiffness: f64,
    /// Pairs per atom, each counted once: whose distance is computed, and within the cutoff.
    pub(super) tried: u64,
    pub(super) near: u64,
    /// Operations per pair tried, per pair within the cutoff, and per atom.
    pub(super) flops: [u64; 3],
    /// Bytes of the list that a step reads, per atom.
    pub(super) list_bytes: u64,
    /// Positions that a step places, per atom: the images of an atom, or the atom in its cluster.
    pub(super) placed: u64,
}

/// The stiffest vibration of this crystal, 18 THz, has m w^2 = 39 eV/angstrom^2. Nine operations
/// tell whether a pair is within the cutoff. One that is costs two exponentials of 35, 45 for what
/// depends on the distance alone, 36 for the moments of two atoms, and 80 for force and virial.
pub(super) const SILICON: Model<StillingerWeber> = Model {
    potential: StillingerWeber::SILICON,
    dt_ps: 0.001,
    skin: 1.0,
    stiffness: 60.0,
    tried: 13,
    near: 3,
    flops: [9, 230, 50],
    list_bytes: 4 * 13 + 8,
    placed: 2,
};

/// The closest pairs, at 3.3 angstrom, have V'' = 0.7 eV/angstrom^2, and an atom has few of them.
/// All is computed for all pairs of a cluster: 12 operations for the distance, 14 for its inverse, 14
/// for energy and force, and 15 to add it up.
pub(super) fn argon() -> Model<LennardJones> {
    Model {
        potential: LennardJones::argon(Truncation::ForceShifted),
        dt_ps: 0.005,
        skin: 2.0,
        stiffness: 3.0,
        tried: 113,
        near: 32,
        flops: [55, 0, 40],
        list_bytes: 28,
        placed: 1,
    }
}

impl<P> Model<P> {
    /// Work of `steps` evaluations of `atoms` atoms. Each reads at least the list and the position
    /// and writes the force of every atom.
    ///
    /// However many steps there are, they keep the bytes of one at hand. Of an atom these are its
    /// share of the list, position and force, 24 each; wherever it is placed its position and shift,
    /// 24 each, and owner, 4; and for steps velocity and place in the list, 24 each, and mass, 8. The
    /// stored state that a run starts from is read once.
    pub(super) fn work(&self, atoms: u64, steps: u64) -> Work {
        let [tried, near, own] = self.flops;
        let units = atoms * steps;
        let evaluation = self.list_bytes + 48 + 52 * self.placed;
        let resident = evaluation + if steps > 1 { 56 } else { 0 };
        Work {
            units,
            unit: "atom-step",
            flops: units * (tried * self.tried + near * self.near + own),
            bytes: units * (self.list_bytes + 48),
            resident_bytes: atoms * resident,
        }
    }
}
