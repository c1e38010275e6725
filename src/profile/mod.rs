//! Long-run profiles of the chapters: what each costs and loses, over sizes and parameters.
//!
//! | | |
//! | --- | --- |
//! | [`timing`] | the clock: warm-ups, iterations, and what sums up their times |
//! | [`roof`] | what the memory of this machine can do |
//! | [`core`](mod@core) | what one core can do: arithmetic, and reading from its caches |
//! | [`memory`], [`energy`] | what is resident, what the heap is asked for; joules |
//! | [`points`] | a line per finished point, from which a killed run resumes |
//! | [`files`] | one list of fields gives the keys of a JSON object and the columns of a CSV row |
//! | [`line`](mod@line) | slopes of straight lines, with their intervals |
//! | [`progress`] | a bar on a terminal |
//! | [`compare`](mod@compare) | two profiles of one chapter beside each other |
//! | [`trace`](mod@trace) | times as files that Perfetto and `chrome://tracing` open |
//! | a folder per chapter | its measurements, figures, summary and advice |
//!
//! ```text
//! data -> measure -> a line per finished point -> JSON, CSV, figures, report from the lines
//! ```

pub mod compare;
pub mod core;
pub mod energy;
pub mod files;
pub mod lattice;
pub mod line;
pub mod md;
pub mod memory;
pub mod points;
pub mod progress;
pub mod rom;
pub mod roof;
pub mod timing;
pub mod trace;
