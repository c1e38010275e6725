//! File formats of atoms.

mod elements;
pub mod extxyz;
pub mod lammps;
