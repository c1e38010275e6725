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
        let mut field = Self { potential, skin, list, scratch, forces };
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
        self.list = self.potential.list(&system.cell, &system.positions, self.skin)?;
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
        let dangerous = self.list.dangerous_builds();
        self.list.update(atoms.positions);
        assert_eq!(
            self.list.dangerous_builds(),
            dangerous,
            "an atom moved more than half the skin in one step: shorten the step or widen the skin"
        );
        self.compute(atoms);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{StillingerWeber, boxes};

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
