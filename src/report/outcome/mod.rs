//! The findings of one run of the gate, for readers and for other programs.
//!
//! | function | for |
//! | --- | --- |
//! | [`terminal()`] | who ran it |
//! | [`markdown()`], [`annotations`] | a pull request on GitHub |
//! | [`json()`] | any program; `gate.schema.json` describes it |
//! | [`junit()`] | CI servers that show tests |
//! | [`bencher()`] | services that draw numbers over commits |

use serde::Serialize;

mod bencher;
mod github;
mod json;
mod junit;
mod markdown;
#[cfg(test)]
mod samples;
mod terminal;

pub use bencher::bencher;
pub use github::annotations;
pub use json::{SCHEMA, json};
pub use junit::junit;
pub use markdown::markdown;
pub use terminal::terminal;

fn text(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("keys are strings") + "\n"
}
