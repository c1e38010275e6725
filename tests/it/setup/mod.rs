//! The start of tests: a bench that has run, a small repository, a copy of a crate.

pub(crate) mod bench;
pub(crate) mod copy;
#[cfg(unix)]
pub(crate) mod repository;
#[cfg(unix)]
pub(crate) mod script;
pub(crate) mod walls;
