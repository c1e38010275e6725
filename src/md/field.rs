//! A potential at work on one system, with its list, its scratch space and what it found.

use super::neighbours::List as _;
use super::potentials::{Forces, Potential};
use super::system::{Atoms, Error, System};

/// Something that gives the forces on the atoms of a system.
pub trait ForceSource {
    /// Energy, forces and virial of the atoms last evaluated.
    fn forces(&self) -> &Forces;

    /// Evaluates `atoms`, which have moved.
    fn update(&mut self, atoms: Atoms<'_>);
}

/// A part of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The check that the atoms can be evaluated, where a source has one.
    Check,
    /// The upkeep of the neighbour list.
    List,
    /// A pass of the potential, by its place in [`Potential::passes`].
    Pass(usize),
}

/// How often a neighbour list was made anew since its field was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// Builds.
    pub builds: u64,
    /// Builds that came too late for a list that is looked after less often.
    pub dangerous_builds: u64,
    /// Prunings, builds included; 0 of a list that is not pruned.
    pub prunings: u64,
}

/// A source of forces that tells when each part of an evaluation is done, and that can start again
/// from nothing.
pub trait Source: ForceSource {
    /// Does as [`Field::renew`].
    ///
    /// # Errors
    ///
    /// As [`Field::renew`].
    fn renew(&mut self, system: &System) -> Result<(), Error> {
        self.renew_in_parts(system, &mut |_| {})
    }

    /// Does as [`Source::renew`], and calls `done` after each part.
    ///
    /// # Errors
    ///
    /// As [`Field::renew`].
    fn renew_in_parts(&mut self, system: &System, done: &mut dyn FnMut(Part)) -> Result<(), Error>;

    /// Does as [`ForceSource::update`], and calls `done` after each part.
    fn update_in_parts(&mut self, atoms: Atoms<'_>, done: &mut dyn FnMut(Part));

    /// The names of the passes.
    fn passes(&self) -> &'static [&'static str];

    /// How often the list was made anew.
    fn upkeep(&self) -> Upkeep;

    /// Why the last evaluation was none.
    fn fault(&self) -> Option<String> {
        self.forces().fault()
    }
}

/// A potential of a type that the caller does not name.
pub trait AnyPotential: std::fmt::Debug {
    /// Distance in angstrom from which on atoms do not interact.
    fn cutoff(&self) -> f64;

    /// Does as [`Field::new`].
    ///
    /// # Errors
    ///
    /// As [`Field::new`].
    fn field(&self, system: &System, skin: f64) -> Result<Box<dyn Source>, Error>;

    /// Does as [`Potential::reference`].
    fn reference(&self, atoms: Atoms<'_>) -> Forces;

    /// Does as [`Potential::bound`].
    fn bound(&self, atoms: Atoms<'_>) -> Forces;
}

impl<P: Potential + Clone + std::fmt::Debug + 'static> AnyPotential for P {
    fn cutoff(&self) -> f64 {
        Potential::cutoff(self)
    }

    fn field(&self, system: &System, skin: f64) -> Result<Box<dyn Source>, Error> {
        Ok(Box::new(Field::new(self.clone(), system, skin)?))
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        Potential::reference(self, atoms)
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        Potential::bound(self, atoms)
    }
}

/// The reference: the forces by the definition of a potential, without a list.
#[derive(Debug, Clone)]
pub struct PlainField<P> {
    potential: P,
    forces: Forces,
}

impl<P: Potential> PlainField<P> {
    /// The forces on `atoms`.
    pub fn new(potential: P, atoms: Atoms<'_>) -> Self {
        let forces = potential.reference(atoms);
        Self { potential, forces }
    }
}

impl<P: Potential> ForceSource for PlainField<P> {
    fn forces(&self) -> &Forces {
        &self.forces
    }

    fn update(&mut self, atoms: Atoms<'_>) {
        self.forces = self.potential.reference(atoms);
    }
}

/// The forces of a potential on a system, by a list kept up to date as atoms move.
#[derive(Debug, Clone)]
pub struct Field<P: Potential> {
    potential: P,
    skin: f64,
    list: P::List,
    scratch: P::Scratch,
    forces: Forces,
    /// The counts of lists before this one.
    earlier: Upkeep,
}

impl<P: Potential> Field<P> {
    /// The forces on `system`, by a list with the given skin in angstrom.
    ///
    /// # Errors
    ///
    /// If the cell is far too small for the cutoff.
    pub fn new(potential: P, system: &System, skin: f64) -> Result<Self, Error> {
        let list = potential.list(&system.cell, &system.positions, skin)?;
        let (scratch, forces) = Default::default();
        let earlier = Upkeep::default();
        let mut field = Self { potential, skin, list, scratch, forces, earlier };
        field.compute(system.atoms());
        Ok(field)
    }

    /// Builds the list from nothing and evaluates, as [`Field::new`]: what follows depends on the
    /// state of `system` alone, to the last bit.
    ///
    /// # Errors
    ///
    /// As [`Field::new`].
    pub fn renew(&mut self, system: &System) -> Result<(), Error> {
        let list = self.potential.list(&system.cell, &system.positions, self.skin)?;
        self.earlier = self.upkeep();
        self.list = list;
        self.compute(system.atoms());
        Ok(())
    }

    /// Energy, forces and virial of the atoms last evaluated.
    pub fn forces(&self) -> &Forces {
        &self.forces
    }

    /// The same, to write into.
    pub fn forces_mut(&mut self) -> &mut Forces {
        &mut self.forces
    }

    /// The potential.
    pub fn potential(&self) -> &P {
        &self.potential
    }

    /// The neighbour list.
    pub fn list(&self) -> &P::List {
        &self.list
    }

    /// Updates the list for `atoms`, then evaluates.
    ///
    /// Does not allocate unless the list outgrows its buffers.
    ///
    /// # Panics
    ///
    /// If an atom flies off to infinity, or the build of a list is dangerous, as
    /// [`List::dangerous_builds`](super::neighbours::List::dangerous_builds) says.
    pub fn update(&mut self, atoms: Atoms<'_>) {
        self.update_list(atoms);
        self.compute(atoms);
    }

    #[inline]
    fn update_list(&mut self, atoms: Atoms<'_>) {
        let dangerous = self.list.dangerous_builds();
        self.list.update(atoms.positions);
        assert_eq!(
            self.list.dangerous_builds(),
            dangerous,
            "an atom moved more than half the skin in one step: shorten the step or widen the skin"
        );
    }

    /// Evaluates with the list as it is. Pairs may be missing where atoms have moved since it was updated.
    pub fn compute(&mut self, atoms: Atoms<'_>) {
        let Self { potential, list, scratch, forces, .. } = self;
        potential.compute(atoms, list, scratch, forces);
    }

    /// Copies list and forces of `other`, a field of as many atoms, without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.list.copy_from(&other.list);
        self.forces.copy_from(&other.forces);
    }
}

impl<P: Potential> ForceSource for Field<P> {
    fn forces(&self) -> &Forces {
        &self.forces
    }

    fn update(&mut self, atoms: Atoms<'_>) {
        self.update(atoms);
    }
}

impl<P: Potential> Field<P> {
    /// Evaluates with the list as it is, pass by pass.
    fn compute_in_parts(&mut self, atoms: Atoms<'_>, done: &mut dyn FnMut(Part)) {
        let Self { potential, list, scratch, forces, .. } = self;
        for pass in 0..potential.passes().len() {
            potential.compute_pass(pass, atoms, list, scratch, forces);
            done(Part::Pass(pass));
        }
    }
}

impl<P: Potential> Source for Field<P> {
    fn renew_in_parts(&mut self, system: &System, done: &mut dyn FnMut(Part)) -> Result<(), Error> {
        let list = self.potential.list(&system.cell, &system.positions, self.skin)?;
        self.earlier = self.upkeep();
        self.list = list;
        done(Part::List);
        self.compute_in_parts(system.atoms(), done);
        Ok(())
    }

    fn update_in_parts(&mut self, atoms: Atoms<'_>, done: &mut dyn FnMut(Part)) {
        self.update_list(atoms);
        done(Part::List);
        self.compute_in_parts(atoms, done);
    }

    fn passes(&self) -> &'static [&'static str] {
        self.potential.passes()
    }

    fn upkeep(&self) -> Upkeep {
        Upkeep {
            builds: self.earlier.builds + self.list.builds(),
            dangerous_builds: self.earlier.dangerous_builds + self.list.dangerous_builds(),
            prunings: self.earlier.prunings + self.list.prunings(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{StillingerWeber, boxes, fixtures};

    /// Evaluates a box after every atom has moved, at once and in parts.
    fn check_parts<P: Potential + Clone>(potential: P, system: &System, passes: usize) {
        let mut moved = system.clone();
        boxes::rattle(&mut moved, 3, 0.05);
        let mut whole = Field::new(potential, system, 1.0).unwrap();
        let mut parts = whole.clone();
        whole.update(moved.atoms());
        let mut done = Vec::new();
        parts.update_in_parts(moved.atoms(), &mut |part| done.push(part));
        let want = [Part::List].into_iter().chain((0..passes).map(Part::Pass));
        assert_eq!(done, want.collect::<Vec<_>>(), "parts");
        assert_eq!(parts.passes().len(), passes, "names");
        let [a, b] = [whole.forces(), parts.forces()];
        assert_eq!((a.energy, &a.forces, a.virial), (b.energy, &b.forces, b.virial), "bits");
        done.clear();
        parts.renew_in_parts(system, &mut |part| done.push(part)).unwrap();
        whole.renew(system).unwrap();
        let [a, b] = [whole.forces(), parts.forces()];
        assert_eq!((a.energy, &a.forces, a.virial), (b.energy, &b.forces, b.virial), "renewed");
        assert_eq!((done.len(), parts.upkeep().builds), (1 + passes, 2), "from nothing");
    }

    #[test]
    fn an_evaluation_in_parts_has_the_bits_of_one() {
        check_parts(StillingerWeber::SILICON, &boxes::silicon_crystal(2, 5.43), 1);
        let water = fixtures::water_192();
        check_parts(boxes::damped_water(), &water, 3);
        check_parts(boxes::ewald_water(), &water, 4);
    }

    #[test]
    #[should_panic(expected = "an atom moved more than half the skin in one step")]
    fn a_jump_beyond_half_the_skin_is_refused() {
        let mut si = boxes::silicon_crystal(2, 5.43);
        let mut field = Field::new(StillingerWeber::SILICON, &si, 0.4).unwrap();
        si.positions[9][1] += 0.19;
        field.update(si.atoms());
        assert_eq!(field.list().builds(), 1, "within half the skin");
        si.positions[9][1] += 0.19;
        field.update(si.atoms());
        assert_eq!(field.list().builds(), 2, "beyond, in two steps");
        si.positions[9][1] -= 0.21;
        field.update(si.atoms());
    }
}
