//! Steps from a stored state.

use super::models::Model;
use super::{bits, check_within, field, spoil};
use crate::case::Step;
use crate::close::digest;
use crate::md::Field;
use crate::md::potentials::{Forces, Potential};
use crate::md::system::System;

/// Some steps from a stored state.
pub(super) struct Steps<P: Potential> {
    pub(super) model: Model<P>,
    pub(super) steps: u64,
    pub(super) start: (System, Field<P>),
    pub(super) system: System,
    field: Field<P>,
}

impl<P: Potential + Copy> Steps<P> {
    pub(super) fn new(model: Model<P>, steps: u64, system: System) -> Self {
        let field = field(&model, &system);
        let start = (system.clone(), field.clone());
        Self { model, steps, start, system, field }
    }

    /// Hash of a state and its forces.
    pub(super) fn digest_of(system: &System, field: &Field<P>) -> u64 {
        let state = system.positions.iter().chain(&system.velocities).flatten();
        digest(state.copied().chain(bits(field.forces())))
    }
}

impl<P: Potential + Copy> Step for Steps<P> {
    fn run(&mut self) {
        let (system, field) = &self.start;
        self.system.positions.copy_from_slice(&system.positions);
        self.system.velocities.copy_from_slice(&system.velocities);
        self.field.copy_from(field);
        self.model.advance(&mut self.system, &mut self.field, 0..self.steps);
    }

    fn spoil(&mut self) {
        self.system.positions.fill([f64::NAN; 3]);
        self.system.velocities.fill([f64::NAN; 3]);
        spoil(self.field.forces_mut());
    }

    fn digest(&self) -> u64 {
        Self::digest_of(&self.system, &self.field)
    }

    /// Makes the steps one by one, and requires the forces after each to be those of the definition,
    /// atom by atom, and the end to be the same: so each step is one of the integrator with these forces.
    ///
    /// The bound is computed at both ends, and taken twice at the first end for the steps between.
    fn check(&self) -> Result<(), String> {
        let Self { model, steps, start: (system, field), .. } = self;
        let (mut system, mut field) = (system.clone(), field.clone());
        let bound = model.bound(system.atoms());
        check_within(&model.potential, &system, field.forces(), &bound)?;
        let twice = |b: f64| 2.0 * b;
        let wider = Forces {
            energy: twice(bound.energy),
            forces: bound.forces.iter().map(|b| b.map(twice)).collect(),
            virial: bound.virial.map(|row| row.map(twice)),
        };
        for step in 0..*steps {
            model.advance(&mut system, &mut field, step..step + 1);
            check_within(&model.potential, &system, field.forces(), &wider)
                .map_err(|err| format!("after {} steps: {err}", step + 1))?;
        }
        let bound = model.bound(system.atoms());
        check_within(&model.potential, &system, field.forces(), &bound)?;
        if Self::digest_of(&system, &field) != self.digest() {
            return Err("the steps end elsewhere when they are made one by one".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::{
        ALUMINIUM, ARGON_OFF, IRON, SILICON, SILICON_OFF, WATER_OFF, argon, water,
    };
    use super::super::{STEPS, aluminium, boxes, iron, silicon, step};
    use super::*;
    use crate::machine::isa::Isa;
    use crate::md::fixtures;
    use crate::md::neighbours::List as _;
    use crate::md::potentials::Narrow;
    use crate::md::system::{Atoms, Cell, Error, Vector};

    /// Builds before and after a run.
    fn builds<P: Potential>(steps: &Steps<P>) -> [u64; 2] {
        [&steps.start.1, &steps.field].map(|field| field.list().builds())
    }

    #[test]
    fn another_end_and_another_start_are_found() {
        let mut steps = Steps::new(SILICON, 2, fixtures::silicon_512());
        steps.run();
        steps.check().unwrap();
        steps.system.positions[7][1] += 1e-15;
        let err = steps.check().unwrap_err();
        assert!(err.starts_with("the steps end elsewhere"), "{err}");
        steps.run();
        steps.field.forces_mut().forces[3][2] += 1e-15;
        let err = steps.check().unwrap_err();
        assert!(err.starts_with("the steps end elsewhere"), "{err}");
        steps.start.1.forces_mut().forces[3][2] += 1e-9;
        let err = steps.check().unwrap_err();
        assert!(err.starts_with("forces[11]"), "{err}");
    }

    /// A potential that has one component of one force wrong by 1e-4 of it, where that is large.
    #[derive(Debug, Clone, Copy)]
    struct Faulty<P>(P);

    impl<P: Potential> Potential for Faulty<P> {
        type List = P::List;
        type Scratch = P::Scratch;

        fn cutoff(&self) -> f64 {
            self.0.cutoff()
        }

        fn list(&self, cell: &Cell, positions: &[Vector], skin: f64) -> Result<P::List, Error> {
            self.0.list(cell, positions, skin)
        }

        fn compute(&self, x: Atoms<'_>, list: &P::List, room: &mut P::Scratch, out: &mut Forces) {
            self.0.compute(x, list, room, out);
            let largest = out.forces.as_flattened_mut().iter_mut();
            let largest = largest.max_by(|f, g| f.abs().total_cmp(&g.abs())).unwrap();
            *largest *= 1.0 + 1e-4;
        }

        fn reference(&self, atoms: Atoms<'_>) -> Forces {
            self.0.reference(atoms)
        }

        fn bound(&self, atoms: Atoms<'_>) -> Forces {
            self.0.bound(atoms)
        }
    }

    #[test]
    fn one_wrong_component_of_one_force_is_found() {
        fn assert_found<P: Potential + Copy>(model: Model<P>, system: System) {
            let mut right = Steps::new(model, 2, system.clone());
            right.run();
            right.check().unwrap();
            let mut wrong = Steps::new(model.with(Faulty), 2, system);
            wrong.run();
            let err = wrong.check().unwrap_err();
            assert!(err.starts_with("forces["), "{err}");
        }
        assert_found(SILICON.mixed(SILICON_OFF), fixtures::silicon_512());
        assert_found(argon().mixed(ARGON_OFF), fixtures::argon_256());
        assert_found(water().mixed(WATER_OFF), fixtures::water_192());
    }

    /// As far as mixed precision is said to be off, by whatever instruction set.
    #[test]
    fn mixed_precision_is_off_by_as_much_as_is_said() {
        fn largest(of: &[f64]) -> f64 {
            of.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
        }
        fn assert_said<P: Narrow + Copy>(name: &str, model: Model<P>, said: [f64; 3], x: System) {
            let want = model.potential.reference(x.atoms());
            for isa in Isa::available() {
                let field = field(&model.mixed(said).on(isa), &x);
                let got = field.forces();
                let off = |got: &[Vector], want: &[Vector]| {
                    let pairs = got.as_flattened().iter().zip(want.as_flattened());
                    largest(&pairs.map(|(g, w)| g - w).collect::<Vec<_>>())
                };
                let found = [
                    (got.energy - want.energy).abs(),
                    off(&got.forces, &want.forces),
                    off(&got.virial, &want.virial),
                ];
                let name = format!("{name}, {}: {found:?}, said {said:?}", isa.name());
                assert!((0..3).all(|k| found[k] < 1.5 * said[k]), "{name}");
                // Plain code of silicon computes in `f64`.
                let plain = name.starts_with("silicon, scalar");
                assert!(plain || found[1] > 0.3 * said[1], "{name}");
            }
        }
        assert_said("silicon", SILICON, SILICON_OFF, fixtures::silicon_512());
        assert_said("argon", argon(), ARGON_OFF, fixtures::argon_256());
        assert_said("water", water(), WATER_OFF, fixtures::water_648());
    }

    #[test]
    #[should_panic(expected = "atoms of the box")]
    fn a_case_of_another_size_than_it_says_is_refused() {
        let case = step("md/step-sw-si/n513", 513, SILICON, fixtures::silicon_512);
        let _ = case.checked_skipping_oracle(None);
    }

    /// The stored list must come back, or the second run adds up in another order.
    #[test]
    fn a_step_that_rebuilds_its_list_is_replayable() {
        let mut system = boxes::silicon_crystal(2, 5.431);
        boxes::thermalise(&mut system, 1, 8000.0);
        let mut steps = Steps::new(Model { dt_ps: 0.004, ..SILICON }, STEPS, system);
        steps.run();
        let digest = steps.digest();
        assert!(builds(&steps)[1] > builds(&steps)[0], "the list was not rebuilt");
        for _ in 0..3 {
            steps.run();
            assert_eq!(steps.digest(), digest, "digest");
        }
    }

    /// The traffic of all steps together would be more than the private caches of a core hold.
    #[test]
    fn ten_steps_of_thousands_of_atoms_are_not_memory_bound() {
        let step =
            |atoms| step(&format!("md/step-sw-si/n{atoms}"), atoms, SILICON, fixtures::silicon_512);
        let case = step(4000);
        assert!(case.work.bytes > 4 << 20, "{:?}", case.work);
        assert!(!case.is_memory_bound(), "{:?}", case.work);
        assert!(step(20_000).is_memory_bound(), "a larger box");
    }

    #[test]
    fn no_case_rebuilds_its_list_within_a_run() {
        fn assert_kept<P: Potential + Copy>(model: Model<P>, system: System) {
            let mut steps = Steps::new(model, STEPS, system);
            steps.run();
            let [before, after] = builds(&steps);
            assert_eq!(after, before, "builds");
        }
        assert_kept(SILICON, fixtures::silicon_512());
        assert_kept(argon(), fixtures::argon_256());
        assert_kept(water(), fixtures::water_192());
        assert_kept(SILICON, silicon(2)());
        assert_kept(ALUMINIUM, aluminium(5)());
        assert_kept(IRON, iron(8)());
    }
}
