//! Forces that end a run before they end the program.

use super::fit::{is_lost, is_near};
use super::model::Source;
use crate::md::field::ForceSource;
use crate::md::potentials::Forces;
use crate::md::system::{Atoms, Error, System, Vector, dot, sub};

/// Forces that are found only where they can be. Where an atom is lost, or moves so far in one step
/// that the list cannot follow, they stay as they were, and [`Watched::fault`] says why.
pub(super) struct Watched {
    source: Box<dyn Source>,
    skin: f64,
    before: Vec<Vector>,
    fault: Option<String>,
}

impl Watched {
    /// The forces of `source`, which are those of `system`, by a list with that skin.
    pub(super) fn new(source: Box<dyn Source>, system: &System, skin: f64) -> Self {
        Self { source, skin, before: system.positions.clone(), fault: None }
    }

    /// Finds the forces from nothing, wherever the atoms were before.
    pub(super) fn renew(&mut self, system: &System) -> Result<(), Error> {
        self.before.copy_from_slice(&system.positions);
        self.source.renew(system)
    }

    /// Why the last step was no step.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.clone().or_else(|| self.source.forces().fault())
    }

    fn find_fault(&self, atoms: Atoms<'_>) -> Option<String> {
        let limit = if self.skin > 0.0 { 0.25 * self.skin * self.skin } else { f64::INFINITY };
        let moved = |x: &Vector, before: &Vector| dot(sub(*x, *before), sub(*x, *before));
        let pairs = || atoms.positions.iter().zip(&self.before);
        // Nearly always this is all, and quick.
        if pairs().all(|(x, before)| moved(x, before) <= limit && is_near(atoms.cell, x)) {
            return None;
        }
        let fault = |(k, (x, before))| {
            let (atom, far) = (k + 1, moved(x, before));
            if !x.iter().all(|x| x.is_finite()) {
                Some(format!("the energy is not finite: atom {atom} is at {x:?}"))
            } else if is_lost(atoms.cell, x) {
                Some(format!("atom {atom} is lost, at {x:?}"))
            } else {
                (far > limit).then(|| {
                    let far = far.sqrt();
                    format!(
                        "atom {atom} moved {far:.3} A in one step, more than half the skin: \
                         shorten the step or widen the skin"
                    )
                })
            }
        };
        (0..).zip(pairs()).find_map(fault)
    }
}

impl ForceSource for Watched {
    fn forces(&self) -> &Forces {
        self.source.forces()
    }

    fn update(&mut self, atoms: Atoms<'_>) {
        if self.fault().is_some() {
            return;
        }
        self.fault = self.find_fault(atoms);
        if self.fault.is_none() {
            self.before.copy_from_slice(atoms.positions);
            self.source.update(atoms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Field, StillingerWeber, boxes};

    fn watched(skin: f64) -> (System, Watched) {
        let si = boxes::silicon_crystal(2, 5.43);
        let field = Field::new(StillingerWeber::SILICON, &si, skin).unwrap();
        let watched = Watched::new(Box::new(field), &si, skin);
        (si, watched)
    }

    #[test]
    fn a_jump_is_a_fault_and_two_short_moves_are_none() {
        let (mut si, mut forces) = watched(0.4);
        for _ in 0..2 {
            si.positions[9][1] += 0.19;
            forces.update(si.atoms());
            assert_eq!(forces.fault(), None, "within half the skin");
        }
        let energy = forces.forces().energy;
        si.positions[9][1] -= 0.21;
        forces.update(si.atoms());
        let why = forces.fault().unwrap();
        assert!(
            why.starts_with("atom 10 moved 0.210 A in one step, more than half the skin"),
            "{why}"
        );
        assert_eq!(forces.forces().energy, energy, "the forces before");
        let (mut si, mut bare) = watched(0.0);
        si.positions[9][1] += 0.3;
        bare.update(si.atoms());
        assert_eq!(bare.fault(), None, "a list without skin follows");
    }

    #[test]
    fn a_lost_atom_is_a_fault_and_no_panic() {
        for (x, want) in [
            (f64::NAN, "the energy is not finite: atom 4 is at [NaN"),
            (f64::INFINITY, "the energy is not finite: atom 4 is at [inf"),
            (2e6, "atom 4 is lost, at [2000000.0"),
        ] {
            for skin in [0.0, 0.4] {
                let (mut si, mut forces) = watched(skin);
                si.positions[3][0] = x;
                forces.update(si.atoms());
                let why = forces.fault().unwrap();
                assert!(why.starts_with(want), "{why}");
            }
        }
    }
}
