//! Steps from a stored state, and how far they may be from those of the reference.

use super::models::Model;
use super::{bits, check_forces, field, spoil};
use crate::case::Step;
use crate::close::{digest, within};
use crate::md::potentials::Potential;
use crate::md::system::{System, Vector, norm};
use crate::md::{Field, MVV2E, PlainField};

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

    /// How far positions and velocities may be from those of the reference.
    ///
    /// Let e and w be the 2-norms of their differences, b that of the force bound, L the
    /// stiffness, so that forces differ by at most F = L e + b. A kick adds dt/2 F / m to w, a
    /// drift adds dt w to e, and each rounds: eps of the largest coordinate or speed, per entry.
    fn bound(&self) -> [f64; 2] {
        let Model { potential, dt_ps, stiffness, .. } = &self.model;
        let (from, _) = &self.start;
        let two_norm = |v: &[Vector]| v.iter().map(|&v| norm(v).powi(2)).sum::<f64>().sqrt();
        let largest = |v: &[Vector]| v.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
        let b = two_norm(&potential.bound(from.atoms()).forces);
        let lightest = from.masses.iter().copied().fold(f64::INFINITY, f64::min) * MVV2E;
        let entries = (3.0 * from.len() as f64).sqrt();
        let places = entries * f64::EPSILON * (largest(&from.positions) + 1.0);
        let speeds = entries * f64::EPSILON * 2.0 * largest(&from.velocities);
        let (mut e, mut w) = (0.0, 0.0);
        for _ in 0..self.steps {
            w += 0.5 * dt_ps * (stiffness * e + b) / lightest + speeds;
            e += dt_ps * w + places;
            w += 0.5 * dt_ps * (stiffness * e + b) / lightest + speeds;
        }
        // The configurations passed through differ a little from the first.
        [2.0 * e, 2.0 * w]
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

    /// The state against the reference's, and the forces in it against the definition.
    fn check(&self) -> Result<(), String> {
        let potential = &self.model.potential;
        let mut want = self.start.0.clone();
        let mut plain = PlainField::new(*potential, want.atoms());
        self.model.advance(&mut want, &mut plain, 0..self.steps);
        let [e, w] = self.bound();
        let close = |what, got: &[Vector], want: &[Vector], bound| {
            within(what, got.as_flattened(), want.as_flattened(), &vec![bound; 3 * got.len()])
        };
        close("positions", &self.system.positions, &want.positions, e)?;
        close("velocities", &self.system.velocities, &want.velocities, w)?;
        check_forces(potential, &self.system, self.field.forces())
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::{ALUMINIUM, IRON, SILICON, argon, water};
    use super::super::{STEPS, aluminium, boxes, iron, silicon, step};
    use super::*;
    use crate::md::fixtures;
    use crate::md::neighbours::List as _;

    /// Builds before and after a run.
    fn builds<P: Potential>(steps: &Steps<P>) -> [u64; 2] {
        [&steps.start.1, &steps.field].map(|field| field.list().builds())
    }

    #[test]
    fn the_bound_of_a_step_is_tight() {
        let mut steps = Steps::new(SILICON, STEPS, fixtures::silicon_512());
        steps.run();
        let [e, w] = steps.bound();
        assert!(e < 3e-9 && w < 1e-6, "{e:e} angstrom, {w:e} angstrom/ps");
        steps.check().unwrap();
        steps.system.positions[7][1] += 2.0 * e;
        let err = steps.check().unwrap_err();
        assert!(err.starts_with("positions[22]"), "{err}");
        steps.run();
        steps.field.forces_mut().forces[3][2] += 1e-9;
        let err = steps.check().unwrap_err();
        assert!(err.starts_with("forces[11]"), "{err}");
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
        let step = |atoms| step("md/step-sw-si/n1", atoms, SILICON, fixtures::silicon_512);
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
