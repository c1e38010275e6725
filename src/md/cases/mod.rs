//! The cases of this chapter: steps, forces and neighbour lists of silicon, argon, aluminium, iron and
//! water.

use models::{ALUMINIUM, IRON, Model, SILICON, argon, silicon_in_a_bath, water, water_in_a_field};
use neighbours::{clusters, neighbours};

use super::potentials::{Forces, Potential, Water};
use super::system::{System, Vector, norm};
use super::{Field, MVV2E, PlainField, fixtures};
use crate::case::{Case, Step};
use crate::close::{digest, within};
use crate::machine::isa::Isa;

pub mod boxes;
mod models;
mod neighbours;

/// Velocity Verlet steps of one run.
const STEPS: usize = 10;

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    vec![
        step("md/step-sw-si/n64", 64, SILICON, silicon(2)),
        step("md/step-sw-si/n512", 512, SILICON, fixtures::silicon_512),
        step("md/step-lj-ar/n256", 256, argon(), fixtures::argon_256),
        step("md/step-sc-al/n500", 500, ALUMINIUM, aluminium(5)),
        step("md/step-fs-fe/n1024", 1024, IRON, iron(8)),
        step("md/step-water-dsf/n192", 192, water(), fixtures::water_192),
        step("md/langevin-sw-si/n512", 512, silicon_in_a_bath(), fixtures::silicon_512),
        forces("md/forces-sw-si/n512", 512, SILICON, fixtures::silicon_512),
        forces("md/forces-lj-ar/n256", 256, argon(), fixtures::argon_256),
        neighbours("md/neighbours-si/n512", 512, SILICON, 13, fixtures::silicon_512),
        neighbours("md/neighbours-water/n192", 192, narrow_water(), 208, fixtures::water_192),
        clusters("md/clusters-ar/n256", 256, argon(), fixtures::argon_256),
    ]
}

/// A warm crystal of silicon, of `repeat`^3 cells.
fn silicon(repeat: usize) -> impl Fn() -> System + 'static {
    move || warm(boxes::silicon_crystal(repeat, 5.431), 0.08)
}

/// A warm crystal of aluminium, of `repeat`^3 cells.
fn aluminium(repeat: usize) -> impl Fn() -> System + 'static {
    move || warm(boxes::aluminium_crystal(repeat, 4.06), 0.08)
}

/// A warm crystal of iron, of `repeat`^3 cells.
fn iron(repeat: usize) -> impl Fn() -> System + 'static {
    move || warm(boxes::iron_crystal(repeat, 2.87), 0.06)
}

/// A crystal whose atoms are `sigma` angstrom off their sites, at 300 K.
fn warm(mut system: System, sigma: f64) -> System {
    boxes::rattle(&mut system, 1, sigma);
    boxes::thermalise(&mut system, 2, 300.0);
    system
}

/// Other sizes, and the other instruction sets.
pub fn scaling() -> Vec<Case> {
    let mut cases = vec![
        step("md/step-sw-si/n216", 216, SILICON, silicon(3)),
        step("md/step-sw-si/n1000", 1000, SILICON, silicon(5)),
        step("md/step-lj-ar/n864", 864, argon(), || warm(boxes::argon_crystal(6, 5.4), 0.2)),
        step("md/step-lj-ar-mixed/n256", 256, argon().mixed(), fixtures::argon_256),
        step("md/step-sc-al/n108", 108, ALUMINIUM, aluminium(3)),
        step("md/step-fs-fe/n128", 128, IRON, iron(4)),
        step("md/step-water-dsf/n648", 648, water(), fixtures::water_648),
        step("md/step-water-dsf-mixed/n648", 648, water().mixed(), fixtures::water_648),
        step("md/step-water-rf/n648", 648, water_in_a_field(), fixtures::water_648),
        clusters("md/clusters-water/n648", 648, water(), fixtures::water_648),
        forces("md/forces-sw-si/n64", 64, SILICON, silicon(2)),
    ];
    for isa in Isa::available().filter(|&isa| isa != Isa::best()) {
        let name = isa.vectorised_name();
        let id = |kernel: &str, size: &str| format!("md/step-{kernel}-{name}/{size}");
        cases.extend([
            named(&id("sw-si", "n512"), name, 512, SILICON.on(isa), fixtures::silicon_512),
            named(&id("lj-ar", "n256"), name, 256, argon().on(isa), fixtures::argon_256),
            named(&id("sc-al", "n500"), name, 500, ALUMINIUM.on(isa), aluminium(5)),
            named(&id("fs-fe", "n1024"), name, 1024, IRON.on(isa), iron(8)),
            named(&id("water-dsf", "n648"), name, 648, water().on(isa), fixtures::water_648),
            named(
                &id("water-rf", "n648"),
                name,
                648,
                water_in_a_field().on(isa),
                fixtures::water_648,
            ),
        ]);
    }
    cases
}

/// Water whose list, one of atoms, has a skin of 1 angstrom.
fn narrow_water() -> Model<Water> {
    Model { skin: 1.0, ..water() }
}

/// Steps by the best instruction set.
fn step<P: Potential + Copy + 'static>(
    id: &str,
    atoms: u64,
    model: Model<P>,
    start: impl Fn() -> System + 'static,
) -> Case {
    named(id, Isa::best().vectorised_name(), atoms, model, start)
}

fn named<P: Potential + Copy + 'static>(
    id: &str,
    implementation: &'static str,
    atoms: u64,
    model: Model<P>,
    start: impl Fn() -> System + 'static,
) -> Case {
    let work = model.work(atoms, STEPS as u64);
    Case::new(id, implementation, work, move || Steps::new(model, start()))
}

fn forces<P: Potential + Copy + 'static>(
    id: &str,
    atoms: u64,
    model: Model<P>,
    start: impl Fn() -> System + 'static,
) -> Case {
    let name = Isa::best().vectorised_name();
    Case::new(id, name, model.work(atoms, 1), move || Evaluation::new(model, start()))
}

/// The forces on `system`, by a list with the skin of these cases.
fn field<P: Potential + Copy>(model: &Model<P>, system: &System) -> Field<P> {
    Field::new(model.potential, system, model.skin).expect("a cell as large as the cutoff")
}

fn bits(forces: &Forces) -> impl Iterator<Item = f64> + '_ {
    let rows = forces.forces.iter().chain(&forces.virial).flatten();
    std::iter::once(forces.energy).chain(rows.copied())
}

fn spoil(forces: &mut Forces) {
    forces.energy = f64::NAN;
    forces.virial = [[f64::NAN; 3]; 3];
    forces.forces.fill([f64::NAN; 3]);
}

/// Requires energy, forces and virial to be those of the definition.
fn check_forces<P: Potential>(potential: &P, system: &System, got: &Forces) -> Result<(), String> {
    let want = potential.reference(system.atoms());
    let bound = potential.bound(system.atoms());
    let flat = |f: &Forces| f.forces.as_flattened().to_vec();
    within("energy", &[got.energy], &[want.energy], &[bound.energy])?;
    within("forces", &flat(got), &flat(&want), &flat(&bound))?;
    let virial = |f: &Forces| f.virial.as_flattened().to_vec();
    within("virial", &virial(got), &virial(&want), &virial(&bound))
}

/// [`STEPS`] steps from a stored state.
struct Steps<P: Potential> {
    model: Model<P>,
    start: (System, Field<P>),
    system: System,
    field: Field<P>,
}

impl<P: Potential + Copy> Steps<P> {
    fn new(model: Model<P>, system: System) -> Self {
        let field = field(&model, &system);
        let start = (system.clone(), field.clone());
        Self { model, start, system, field }
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
        for _ in 0..STEPS {
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
        self.model.advance(&mut self.system, &mut self.field);
    }

    fn spoil(&mut self) {
        self.system.positions.fill([f64::NAN; 3]);
        self.system.velocities.fill([f64::NAN; 3]);
        spoil(self.field.forces_mut());
    }

    fn digest(&self) -> u64 {
        let state = self.system.positions.iter().chain(&self.system.velocities).flatten();
        digest(state.copied().chain(bits(self.field.forces())))
    }

    /// The state against the reference's, and the forces in it against the definition.
    fn check(&self) -> Result<(), String> {
        let potential = &self.model.potential;
        let mut want = self.start.0.clone();
        let mut plain = PlainField::new(*potential, want.atoms());
        self.model.advance(&mut want, &mut plain);
        let [e, w] = self.bound();
        let close = |what, got: &[Vector], want: &[Vector], bound| {
            within(what, got.as_flattened(), want.as_flattened(), &vec![bound; 3 * got.len()])
        };
        close("positions", &self.system.positions, &want.positions, e)?;
        close("velocities", &self.system.velocities, &want.velocities, w)?;
        check_forces(potential, &self.system, self.field.forces())
    }
}

/// One evaluation of a potential, with a list that exists.
struct Evaluation<P: Potential> {
    system: System,
    field: Field<P>,
}

impl<P: Potential + Copy> Evaluation<P> {
    fn new(model: Model<P>, system: System) -> Self {
        let field = field(&model, &system);
        Self { system, field }
    }
}

impl<P: Potential> Step for Evaluation<P> {
    fn run(&mut self) {
        self.field.compute(self.system.atoms());
    }

    fn spoil(&mut self) {
        spoil(self.field.forces_mut());
    }

    fn digest(&self) -> u64 {
        digest(bits(self.field.forces()))
    }

    fn check(&self) -> Result<(), String> {
        check_forces(self.field.potential(), &self.system, self.field.forces())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::clusters::ClusterList;
    use crate::md::neighbours::List as _;
    use crate::md::{Atoms, NeighbourList};

    /// Builds before and after a run.
    fn builds<P: Potential>(steps: &Steps<P>) -> [u64; 2] {
        [&steps.start.1, &steps.field].map(|field| field.list().builds())
    }

    #[test]
    fn the_bound_of_a_step_is_tight() {
        let mut steps = Steps::new(SILICON, fixtures::silicon_512());
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
        let mut steps = Steps::new(Model { dt_ps: 0.004, ..SILICON }, system);
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
            let mut steps = Steps::new(model, system);
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

    /// The counts that the estimates of work rest on.
    #[test]
    fn atoms_have_as_many_neighbours_as_the_work_says() {
        fn halves<P: Potential>(model: &Model<P>, system: &System) -> [u64; 2] {
            let (cell, x, cutoff) = (&system.cell, &system.positions, model.potential.cutoff());
            let list = NeighbourList::new(cell, x, cutoff, model.skin).unwrap();
            let near = list.counts(x).iter().sum::<usize>();
            [list.pairs(), near].map(|pairs| (pairs / system.len() / 2) as u64)
        }
        let si = halves(&SILICON, &fixtures::silicon_512());
        assert_eq!(si, [SILICON.tried, SILICON.near], "silicon");
        let h2o = halves(&narrow_water(), &fixtures::water_192());
        assert_eq!(h2o, [208, water().near], "water");
        fn counts<P>(model: &Model<P>, system: &System) -> [u64; 3]
        where
            P: Potential<List = ClusterList> + Copy,
        {
            let [entries, _] = field(model, system).list().sizes();
            let (n, cutoff) = (system.len(), model.potential.cutoff());
            let all = NeighbourList::new(&system.cell, &system.positions, cutoff, 0.0).unwrap();
            let counts = [16 * entries / n, 4 * entries / n, all.pairs() / n / 2];
            counts.map(|count| count as u64)
        }
        fn said<P>(model: &Model<P>) -> [u64; 3] {
            [model.tried, model.list_bytes, model.near]
        }
        let found = [
            counts(&argon(), &fixtures::argon_256()),
            counts(&ALUMINIUM, &aluminium(5)()),
            counts(&IRON, &iron(8)()),
            counts(&water(), &fixtures::water_192()),
        ];
        let said = [said(&argon()), said(&ALUMINIUM), said(&IRON), said(&water())];
        assert_eq!(found, said, "Ar, Al, Fe, water");
    }

    /// Power iteration on the second derivatives of the energy.
    #[test]
    fn no_box_is_stiffer_than_its_bound_assumes() {
        fn stiffness<P: Potential + Copy>(model: &Model<P>, system: &System) -> f64 {
            let mut field = field(model, system);
            let mut mode = crate::input::gaussian(9, 3 * system.len(), 1.0);
            let mut found = 0.0;
            for _ in 0..40 {
                let length = mode.iter().map(|m| m * m).sum::<f64>().sqrt();
                let forces = [1e-4, -1e-4].map(|h| {
                    let mut x = system.positions.clone();
                    x.iter_mut().flatten().zip(&mode).for_each(|(x, m)| *x += h * m / length);
                    field.compute(Atoms { positions: &x, ..system.atoms() });
                    field.forces().forces.clone()
                });
                let [plus, minus] = forces.each_ref().map(|f| f.as_flattened());
                mode = plus.iter().zip(minus).map(|(p, m)| (m - p) / 2e-4).collect();
                found = mode.iter().map(|m| m * m).sum::<f64>().sqrt();
            }
            found
        }
        let si = stiffness(&SILICON, &fixtures::silicon_512());
        assert!(si > 0.4 * SILICON.stiffness && si < SILICON.stiffness, "silicon {si}");
        let ar = stiffness(&argon(), &fixtures::argon_256());
        assert!(ar > 0.4 * argon().stiffness && ar < argon().stiffness, "argon {ar}");
        let al = stiffness(&ALUMINIUM, &aluminium(3)());
        assert!(al > 0.4 * ALUMINIUM.stiffness && al < ALUMINIUM.stiffness, "aluminium {al}");
        let fe = stiffness(&IRON, &iron(4)());
        assert!(fe > 0.4 * IRON.stiffness && fe < IRON.stiffness, "iron {fe}");
        let h2o = stiffness(&water(), &fixtures::water_192());
        assert!(h2o > 0.4 * water().stiffness && h2o < water().stiffness, "water {h2o}");
    }
}
