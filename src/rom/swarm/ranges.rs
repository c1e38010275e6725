//! Ranges of numbers, and the one check of them.

use super::Error;

/// A range of a parameter, in words.
pub(super) type Range = &'static str;

pub(super) const POSITIVE: Range = "a number from 1e-100 to 1e100";
pub(super) const NOT_NEGATIVE: Range = "a number from 0 to 1e100";
pub(super) const ANY: Range = "a number from -1e100 to 1e100";

/// Requires numbers to be in their ranges.
pub(super) fn all(wanted: &[(&'static str, f64, Range)]) -> Result<(), Error> {
    for &(name, found, expected) in wanted {
        let least = match expected {
            POSITIVE => 1e-100,
            NOT_NEGATIVE => 0.0,
            _ => -1e100,
        };
        if !(least..=1e100).contains(&found) {
            return Err(Error::Parameter { name, found, expected });
        }
    }
    Ok(())
}
