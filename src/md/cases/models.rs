//! The potentials of the cases, and the work that a step of each does.

use std::ops::Range;

use super::boxes;
use crate::case::Work;
use crate::machine::isa::Isa;
use crate::md::field::ForceSource;
use crate::md::potentials::{
    EmbeddedAtom, FinnisSinclair, Forces, LennardJones, Mixed, On, Potential, StillingerWeber,
    SuttonChen, Truncation, Water,
};
use crate::md::system::{Atoms, System};
use crate::md::{Langevin, integrate};

/// A potential with what its cases need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model<P> {
    pub(super) potential: P,
    pub(super) dt_ps: f64,
    /// What holds the temperature, if not the energy is constant.
    pub(super) bath: Option<Langevin>,
    /// Whether the energy is continuous, so that it can be conserved.
    pub(super) conserves: bool,
    /// Angstrom. The steps of a case start from a fresh list and are too few to outlive it; what a build
    /// costs is measured by the `neighbours` and `clusters` cases, and within whole runs.
    pub(super) skin: f64,
    /// What is off in mixed precision, as found: the energy in eV, a component of a force in eV/angstrom, one
    /// of the virial in eV. A check allows [`MIXED`] times that.
    pub(super) off: Option<[f64; 3]>,
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

/// How many times as much as was found the forces in mixed precision may be off in a check. The bound of
/// such forces has every rounding at its worst, which lets errors pass that matter.
pub(super) const MIXED: f64 = 3.0;

/// What was found within 30 steps of the fixtures, by all instruction sets.
pub(super) const SILICON_OFF: [f64; 3] = [2.5e-4, 3e-5, 8e-4];
pub(super) const ARGON_OFF: [f64; 3] = [2e-6, 9e-7, 7e-6];
pub(super) const WATER_OFF: [f64; 3] = [5e-5, 1.8e-5, 4.3e-4];

/// The stiffest vibration of this crystal, 18 THz, has m w^2 = 39 eV/angstrom^2. Nine operations
/// tell whether a pair is within the cutoff. One that is costs two exponentials of 35, 45 for what
/// depends on the distance alone, 36 for the moments of two atoms, and 80 for force and virial.
pub(super) const SILICON: Model<StillingerWeber> = Model {
    potential: StillingerWeber::SILICON,
    dt_ps: 0.001,
    bath: None,
    conserves: true,
    skin: 1.0,
    off: None,
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
        bath: None,
        conserves: true,
        skin: 2.0,
        off: None,
        stiffness: 3.0,
        tried: 109,
        near: 32,
        flops: [55, 0, 40],
        list_bytes: 27,
        placed: 1,
    }
}

/// The charges of hydrogen and oxygen move with the stretching of the bonds between them, at
/// 3700/cm or 110 THz, m w^2 = 50 eV/angstrom^2; two bonds of one oxygen together have more. Of a pair
/// of clusters' pairs each costs 12 operations for the distance, 14 for its inverse, 54 for two
/// polynomials, 10 for energy and force of the charges, 16 for those of the oxygens, and 15 to add
/// them up. An atom has a third of the bonds, angles and pairs of its molecule.
pub(super) fn water() -> Model<Water> {
    Model {
        potential: boxes::damped_water(),
        dt_ps: 0.000_5,
        bath: None,
        conserves: true,
        skin: 1.5,
        off: None,
        stiffness: 160.0,
        tried: 308,
        near: 152,
        flops: [121, 0, 140],
        list_bytes: 77,
        placed: 1,
    }
}

/// Water in a reaction field: no polynomials.
pub(super) fn water_in_a_field() -> Model<Water> {
    Model { potential: boxes::water_in_a_field(), flops: [65, 0, 140], ..water() }
}

/// The same silicon in a bath of 300 K.
pub(super) fn silicon_in_a_bath() -> Model<StillingerWeber> {
    let bath = Langevin { kelvin: 300.0, friction_per_ps: 1.0, seed: 300 };
    // Two logarithms, three sines, two roots and the bits.
    Model { bath: Some(bath), flops: [9, 230, 230], ..SILICON }
}

/// The operations of a pair are 12 for the distance, 14 for its inverse, 40 for both powers and the
/// switch, and 18 to add up densities and forces.
pub(super) const ALUMINIUM: Model<EmbeddedAtom<SuttonChen>> = Model {
    potential: EmbeddedAtom(SuttonChen::ALUMINIUM),
    dt_ps: 0.001,
    bath: None,
    conserves: true,
    skin: 2.0,
    off: None,
    stiffness: 20.0,
    tried: 134,
    near: 47,
    flops: [84, 0, 60],
    list_bytes: 67,
    placed: 1,
};

/// As for aluminium, with 34 for both polynomials.
pub(super) const IRON: Model<EmbeddedAtom<FinnisSinclair>> = Model {
    potential: EmbeddedAtom(FinnisSinclair::IRON),
    dt_ps: 0.001,
    bath: None,
    conserves: true,
    skin: 1.0,
    off: None,
    stiffness: 40.0,
    tried: 26,
    near: 7,
    flops: [78, 0, 60],
    list_bytes: 13,
    placed: 1,
};

impl<P> Model<P> {
    /// The same by one instruction set.
    pub(super) fn on(self, isa: Isa) -> Model<On<P>>
    where
        P: Copy,
    {
        self.with(|potential| On { potential, isa })
    }

    /// The same in mixed precision, which is `off` so much.
    pub(super) fn mixed(self, off: [f64; 3]) -> Model<Mixed<P>>
    where
        P: Copy,
    {
        Model { off: Some(off), ..self.with(Mixed) }
    }

    /// How far results may be off in a check: by the bound, and no more than is usual in mixed precision.
    pub(super) fn bound(&self, atoms: Atoms<'_>) -> Forces
    where
        P: Potential,
    {
        let mut bound = self.potential.bound(atoms);
        if let Some([energy, force, virial]) = self.off.map(|off| off.map(|x| MIXED * x)) {
            bound.energy = bound.energy.min(energy);
            bound.forces.iter_mut().flatten().for_each(|b| *b = b.min(force));
            bound.virial.iter_mut().flatten().for_each(|b| *b = b.min(virial));
        }
        bound
    }

    /// The same, but for the form of the potential.
    pub(super) fn with<Q>(self, form: impl FnOnce(P) -> Q) -> Model<Q>
    where
        P: Copy,
    {
        let Self { potential, dt_ps, bath, conserves, skin, off, stiffness, .. } = self;
        let Self { tried, near, flops, list_bytes, placed, .. } = self;
        Model {
            potential: form(potential),
            dt_ps,
            bath,
            conserves,
            skin,
            off,
            stiffness,
            tried,
            near,
            flops,
            list_bytes,
            placed,
        }
    }

    /// Makes the steps with these numbers.
    pub(super) fn advance(
        &self,
        system: &mut System,
        source: &mut impl ForceSource,
        steps: Range<u64>,
    ) {
        match &self.bath {
            None => steps.for_each(|_| integrate::run(system, source, self.dt_ps, 1)),
            Some(bath) => bath.run(system, source, self.dt_ps, steps),
        }
    }

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
