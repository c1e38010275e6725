//! The changes that a record would make as the new baseline, case by case; pure.

use std::collections::BTreeSet;

use super::timed::Change;
use super::{counts, wall};
use crate::record::metric::{self, Instrument, Limits};
use crate::record::{Record, Row};

/// The change of the limit of a case when a record replaces a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// The baseline lacks the case.
    Added,
    /// The record lacks the case.
    Gone,
    /// Worse beyond the tolerance, in any of its numbers.
    Looser,
    /// Better beyond the tolerance, and in no number worse beyond it.
    Tighter,
    /// Within the tolerance.
    Within,
}

/// A case in a baseline, in the record that would replace it, or in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Shifted<'a> {
    /// The case.
    pub id: &'a str,
    /// Its baseline.
    pub old: Option<&'a Row>,
    /// The measured row.
    pub new: Option<&'a Row>,
    /// How the two differ.
    pub shift: Shift,
}

/// Whether `new` is worse and whether it is better than `old`, each beyond the limits of a metric.
fn beyond(instrument: &Instrument, old: &Row, new: &Row) -> (bool, bool) {
    let has = |wanted: fn(Limits) -> bool| {
        let mut metrics = instrument.metrics.iter().filter_map(|name| metric::metric(name));
        metrics.any(|metric| wanted(metric.limits))
    };
    if has(|limits| matches!(limits, Limits::Count { .. })) {
        return counts::beyond(instrument, old, new);
    }
    if has(|limits| limits == Limits::Apart) {
        let change = wall::apart(old, new);
        return (change == Change::Slower, change == Change::Faster);
    }
    (false, false)
}

/// Every case of either record, sorted by id.
pub fn shifts<'a>(instrument: &Instrument, old: &'a Record, new: &'a Record) -> Vec<Shifted<'a>> {
    let (olds, news) = (old.by_id(), new.by_id());
    let ids: BTreeSet<&str> = olds.keys().chain(news.keys()).copied().collect();
    let shifted = |id| {
        let (old, new) = (olds.get(id).copied(), news.get(id).copied());
        let shift = match (old, new) {
            (None, _) => Shift::Added,
            (_, None) => Shift::Gone,
            (Some(old), Some(new)) => match beyond(instrument, old, new) {
                (true, _) => Shift::Looser,
                (_, true) => Shift::Tighter,
                _ => Shift::Within,
            },
        };
        Shifted { id, old, new, shift }
    };
    ids.into_iter().map(shifted).collect()
}

/// The record with the cases that are tighter or new, and the baseline of all others.
///
/// `None` if there is no such case.
pub fn tightened(shifts: &[Shifted<'_>], new: &Record) -> Option<Record> {
    let taken = |case: &Shifted<'_>| matches!(case.shift, Shift::Tighter | Shift::Added);
    let kept = |case: &Shifted<'_>| if taken(case) { case.new } else { case.old }.cloned();
    let any = shifts.iter().any(taken);
    any.then(|| new.with(shifts.iter().filter_map(kept).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{GPU, INSTRUCTIONS, PEERS, WALL, counted, wall};

    #[test]
    fn only_what_is_better_or_new_is_taken() {
        let counted =
            |n: usize, instructions, misses| counted(&format!("a/b/n{n}"), instructions, misses);
        let record = |cases| Record::new(&INSTRUCTIONS, [].into()).with(cases);
        let old = record((0..6).map(|n| counted(n, 10_000, 5_000)).collect());
        let new = record(vec![
            counted(0, 9_000, 5_000),
            counted(1, 11_000, 5_000),
            counted(2, 10_010, 4_990),
            counted(3, 9_000, 50_000),
            counted(4, 10_000, 1_000),
            counted(6, 1, 1),
        ]);
        let want = [
            (Shift::Tighter, 9_000, 5_000),
            (Shift::Looser, 10_000, 5_000),
            (Shift::Within, 10_000, 5_000),
            (Shift::Looser, 10_000, 5_000),
            (Shift::Tighter, 10_000, 1_000),
            (Shift::Gone, 10_000, 5_000),
            (Shift::Added, 1, 1),
        ];
        let shifted = shifts(&INSTRUCTIONS, &old, &new);
        let got: Vec<_> = shifted.iter().map(|case| case.shift).collect();
        assert_eq!(got, want.map(|(shift, ..)| shift), "shifts");
        let tight = tightened(&shifted, &new).expect("three cases are taken");
        let numbers = |row: &Row| (row.count("instructions"), row.count("d1_misses"));
        let got: Vec<_> = tight.cases.iter().map(numbers).collect();
        assert_eq!(got, want.map(|(_, instructions, misses)| (instructions, misses)), "numbers");
        let itself = shifts(&INSTRUCTIONS, &tight, &tight);
        assert_eq!(tightened(&itself, &tight), None, "nothing to gain from itself");
    }

    #[test]
    fn wall_times_shift_where_their_ranges_lie_apart_and_peers_never() {
        let wall = |factor: f64| wall("a/b/n1", 100.0 * factor);
        for (factor, want) in [(1.2, (false, false)), (2.0, (true, false)), (0.5, (false, true))] {
            for instrument in [&WALL, &GPU] {
                let got = beyond(instrument, &wall(1.0), &wall(factor));
                assert_eq!(got, want, "{factor} by {}", instrument.name);
            }
            assert_eq!(beyond(&PEERS, &wall(1.0), &wall(factor)), (false, false), "{factor}");
        }
    }
}
