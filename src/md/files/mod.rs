//! File formats of atoms.

pub mod extxyz;
