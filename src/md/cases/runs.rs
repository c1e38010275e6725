//! The cases of whole runs, whose lists are pruned and built anew on the way.
//!
//! A long trajectory is chaotic: a last bit more or less grows until all digits differ, so it has no
//! useful bound. But each step must be one of velocity Verlet with the right forces. The check makes
//! the run again, step by step, with the same bits, and compares the forces of each step with those of
//! a list that is built anew at that step: no list, however old, may miss a pair. At both ends they are
//! compared with the definition. And the energy must be conserved.
//!
//! Bound of the energy: to second order, velocity Verlet conserves not E but
//! E + dt^2 (sum of v V'' v / 12 - sum of F^2 / (24 m)). Near equilibrium the first sum is between 0 and
//! L times the sum of v^2, for L the largest eigenvalue of V''. So E changes by at most
//! dt^2 (L / 12 sum of v^2 + sum of F^2 / (24 m)), where both sums are the largest on the way. A tenth
//! more is for the order dt^4.
//!
//! Source: E. Hairer, C. Lubich, G. Wanner, "Geometric numerical integration illustrated by the
//! Stoermer-Verlet method", Acta Numerica 12 (2003) 399-450.

use super::models::{ALUMINIUM, IRON, Model, SILICON, argon, water, water_in_a_field};
use super::steps::Steps;
use super::{check_within, sized};
use crate::case::{Case, Step};
use crate::close::within;
use crate::machine::isa::Isa;
use crate::md::neighbours::List as _;
use crate::md::potentials::{LennardJones, Potential, Truncation};
use crate::md::system::{System, dot};
use crate::md::{Field, Forces, MVV2E, fixtures};

/// Builds that a run must see at least.
const BUILDS: u64 = 3;

pub(super) fn runs() -> Vec<Case> {
    let fast = Isa::best().vectorised_name();
    let [ar, h2o] = [fixtures::argon_256, fixtures::water_648];
    let silicon = Model { skin: 0.8, ..SILICON };
    let iron = Model { skin: 0.9, ..IRON };
    let field = water_in_a_field();
    vec![
        run("md/run-sw-si/n512", fast, 512, silicon, 500, fixtures::silicon_512),
        run("md/run-lj-ar/n256", fast, 256, argon(), 300, ar),
        run("md/run-lj-cut-ar/n256", fast, 256, cut_argon(), 300, ar),
        run("md/run-sc-al/n500", fast, 500, ALUMINIUM, 600, fixtures::aluminium_500),
        run("md/run-fs-fe/n1024", fast, 1024, iron, 600, fixtures::iron_1024),
        run("md/run-water-dsf/n648", fast, 648, water(), 400, h2o),
        run("md/run-water-rf/n648", fast, 648, field, 400, h2o),
    ]
}

/// Argon that is plainly cut. Its pairs cost 12 operations for the distance, 1 for its inverse, 11 for
/// energy and force, and 15 to add it up.
fn cut_argon() -> Model<LennardJones> {
    let potential = LennardJones::argon(Truncation::Cut);
    Model { potential, conserves: false, flops: [39, 0, 40], ..argon() }
}

/// The work is that of the steps alone, without builds and prunings.
fn run<P: Potential + Copy + 'static>(
    id: &str,
    implementation: &'static str,
    atoms: u64,
    model: Model<P>,
    steps: u64,
    start: impl Fn() -> System + 'static,
) -> Case {
    let (work, start) = (model.work(atoms, steps), sized(id, atoms, start));
    let prepare = move || Run { steps: Steps::new(model, steps, start()) };
    Case::new(id, implementation, work, prepare)
}

/// Many steps from a stored state.
struct Run<P: Potential> {
    steps: Steps<P>,
}

/// The sums of the bound of the energy at their largest, and how far the energy was from the first.
struct Motion {
    first: f64,
    off: f64,
    v2: f64,
    f2_by_mass: f64,
}

impl Motion {
    fn new(system: &System, forces: &Forces) -> Self {
        let first = system.kinetic_energy() + forces.energy;
        let mut motion = Self { first, off: 0.0, v2: 0.0, f2_by_mass: 0.0 };
        motion.pass(system, forces);
        motion
    }

    fn pass(&mut self, system: &System, forces: &Forces) {
        let energy = system.kinetic_energy() + forces.energy;
        let v2 = system.velocities.iter().map(|&v| dot(v, v)).sum();
        let of = forces.forces.iter().zip(&system.masses).map(|(&f, m)| dot(f, f) / (m * MVV2E));
        self.off = self.off.max((energy - self.first).abs());
        (self.v2, self.f2_by_mass) = (self.v2.max(v2), self.f2_by_mass.max(of.sum()));
    }

    /// Requires that the energy changed by no more than its bound.
    fn check(&self, dt_ps: f64, stiffness: f64) -> Result<(), String> {
        let most = 1.1 * dt_ps.powi(2) * (stiffness / 12.0 * self.v2 + self.f2_by_mass / 24.0);
        let said = || format!("the energy changed by {:e} eV, more than {most:e} eV", self.off);
        if self.off <= most { Ok(()) } else { Err(said()) }
    }
}

impl<P: Potential + Copy> Run<P> {
    /// Requires the forces of each step to be those by a new list, and at both ends those of the
    /// definition; returns the end.
    ///
    /// Both are within the bound of the reference. That is computed at both ends, and taken twice, since
    /// the configurations on the way differ a little from those.
    fn again(&self) -> Result<(System, Field<P>), String> {
        let Steps { model, steps, start: (system, field), .. } = &self.steps;
        let (mut system, mut field) = (system.clone(), field.clone());
        let bounds =
            [&system, &self.steps.system].map(|system| model.potential.bound(system.atoms()));
        check_within(&model.potential, &system, field.forces(), &bounds[0])?;
        let largest = |bound: &Forces| {
            let force = bound.forces.as_flattened().iter().fold(0.0, |m: f64, b| m.max(*b));
            [bound.energy, force]
        };
        let ends = bounds.each_ref().map(largest);
        let [energy, force] = [0, 1].map(|k| 4.0 * ends[0][k].max(ends[1][k]));
        let close = |step: u64, got: &Forces, want: &Forces| {
            let say = |err| format!("after {step} steps: {err}");
            within("energy", &[got.energy], &[want.energy], &[energy]).map_err(say)?;
            let [f, w] = [got, want].map(|forces| forces.forces.as_flattened());
            within("forces", f, w, &vec![force; f.len()]).map_err(say)
        };
        let mut fresh = Field::new(model.potential, &system, 0.0).map_err(|err| err.to_string())?;
        close(0, field.forces(), fresh.forces())?;
        let mut motion = Motion::new(&system, field.forces());
        for step in 0..*steps {
            model.advance(&mut system, &mut field, step..step + 1);
            fresh.update(system.atoms());
            close(step + 1, field.forces(), fresh.forces())?;
            motion.pass(&system, field.forces());
        }
        check_within(&model.potential, &system, field.forces(), &bounds[1])?;
        if model.conserves {
            motion.check(model.dt_ps, model.stiffness)?;
        }
        Ok((system, field))
    }
}

impl<P: Potential + Copy> Step for Run<P> {
    fn run(&mut self) {
        self.steps.run();
    }

    fn spoil(&mut self) {
        self.steps.spoil();
    }

    fn digest(&self) -> u64 {
        self.steps.digest()
    }

    fn check(&self) -> Result<(), String> {
        let (system, field) = self.again()?;
        if Steps::digest_of(&system, &field) != self.digest() {
            return Err("the run ends elsewhere when it is made step by step".to_owned());
        }
        let before = self.steps.start.1.list();
        let [builds, prunings, dangerous] = [
            field.list().builds() - before.builds(),
            field.list().prunings() - before.prunings(),
            field.list().dangerous_builds() - before.dangerous_builds(),
        ];
        if builds < BUILDS || dangerous > 0 || (prunings > 0 && prunings < 2 * builds) {
            return Err(format!(
                "{builds} builds, {prunings} prunings, {dangerous} dangerous builds"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::Atoms;
    use crate::md::clusters::ClusterList;

    fn run_of<P: Potential + Copy>(model: Model<P>) -> Run<P> {
        let mut run = Run { steps: Steps::new(model, 200, fixtures::argon_256()) };
        run.run();
        run
    }

    #[test]
    fn a_run_without_builds_is_refused() {
        let err = run_of(Model { skin: 6.0, ..argon() }).check().unwrap_err();
        assert!(err.starts_with("0 builds"), "{err}");
    }

    #[test]
    fn another_end_is_found() {
        let mut run = run_of(argon());
        run.check().unwrap();
        run.steps.system.positions[200][1] += 1e-12;
        let err = run.check().unwrap_err();
        assert!(err.starts_with("the run ends elsewhere"), "{err}");
    }

    /// Argon that pulls an atom by too much while it has its second list.
    #[derive(Debug, Clone, Copy)]
    struct Faulty(LennardJones);

    impl Potential for Faulty {
        type List = ClusterList;
        type Scratch = <LennardJones as Potential>::Scratch;

        fn cutoff(&self) -> f64 {
            self.0.cutoff()
        }

        fn compute(
            &self,
            atoms: Atoms<'_>,
            list: &ClusterList,
            scratch: &mut Self::Scratch,
            out: &mut Forces,
        ) {
            self.0.compute(atoms, list, scratch, out);
            if list.builds() == 2 {
                out.forces[3][1] += 1e-9;
            }
        }

        fn reference(&self, atoms: Atoms<'_>) -> Forces {
            self.0.reference(atoms)
        }

        fn bound(&self, atoms: Atoms<'_>) -> Forces {
            self.0.bound(atoms)
        }
    }

    /// The list that is built at each step is the second one at the first step, and seldom later.
    #[test]
    fn a_force_that_one_list_has_wrong_is_found() {
        let err = run_of(argon().with(Faulty)).check().unwrap_err();
        assert!(err.contains(" steps: forces[10] is "), "{err}");
    }

    #[test]
    fn an_energy_that_changes_is_found() {
        let motion = Motion { first: 1.0, off: 0.3, v2: 2.0, f2_by_mass: 3.0 };
        // 0.5^2 (2 6 / 12 + 3 / 24) is 0.28, and a tenth more.
        assert_eq!(motion.check(0.5, 6.0), Ok(()), "0.3 eV");
        let err = Motion { off: 0.32, ..motion }.check(0.5, 6.0).unwrap_err();
        assert!(err.starts_with("the energy changed by 3.2e-1 eV"), "{err}");
    }
}
