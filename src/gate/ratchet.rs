//! What a record would change as the new baseline, case by case; pure.

use std::collections::BTreeSet;

use super::paired::Change;
use super::{counts, saved};
use crate::record::{Gpu, Instructions, Measure, Peer, Record, Wall};

/// What becomes of the limit of a case when a record replaces a baseline.
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
pub struct Shifted<'a, M> {
    /// The case.
    pub id: &'a str,
    /// Its baseline.
    pub old: Option<&'a M>,
    /// What was measured.
    pub new: Option<&'a M>,
    /// How the two differ.
    pub shift: Shift,
}

/// Numbers with a tolerance.
pub trait Tolerant: Measure {
    /// Whether `new` is worse and whether it is better than `old`, each beyond the tolerance.
    fn beyond(old: &Self, new: &Self) -> (bool, bool);
}

impl Tolerant for Instructions {
    fn beyond(old: &Self, new: &Self) -> (bool, bool) {
        counts::beyond(old, new)
    }
}

impl Tolerant for Wall {
    /// By ranges that lie apart.
    fn beyond(old: &Self, new: &Self) -> (bool, bool) {
        let change = saved::apart(old, new);
        (change == Change::Slower, change == Change::Faster)
    }
}

impl Tolerant for Gpu {
    fn beyond(old: &Self, new: &Self) -> (bool, bool) {
        Wall::beyond(&old.0, &new.0)
    }
}

impl Tolerant for Peer {
    /// Neither: peers are no limit of ours.
    fn beyond(_: &Self, _: &Self) -> (bool, bool) {
        (false, false)
    }
}

/// Every case of either record, sorted by id.
pub fn shifts<'a, M: Tolerant>(old: &'a Record<M>, new: &'a Record<M>) -> Vec<Shifted<'a, M>> {
    let (olds, news) = (old.by_id(), new.by_id());
    let ids: BTreeSet<&str> = olds.keys().chain(news.keys()).copied().collect();
    let shifted = |id| {
        let (old, new) = (olds.get(id).copied(), news.get(id).copied());
        let shift = match (old, new) {
            (None, _) => Shift::Added,
            (_, None) => Shift::Gone,
            (Some(old), Some(new)) => match M::beyond(old, new) {
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
pub fn tightened<M: Tolerant>(old: &Record<M>, new: &Record<M>) -> Option<Record<M>> {
    let shifts = shifts(old, new);
    let taken = |case: &Shifted<'_, M>| matches!(case.shift, Shift::Tighter | Shift::Added);
    let kept = |case: &Shifted<'_, M>| if taken(case) { case.new } else { case.old }.cloned();
    let any = shifts.iter().any(taken);
    any.then(|| Record { cases: shifts.iter().filter_map(kept).collect(), ..new.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SCHEMA, wall};

    fn counted(n: u32, instructions: u64, d1_misses: u64) -> Instructions {
        Instructions {
            id: format!("a/b/n{n}"),
            implementation: "scalar".to_owned(),
            instructions,
            d1_misses,
            ll_misses: 0,
            heap_blocks: 0,
            heap_bytes: 0,
        }
    }

    fn record(cases: Vec<Instructions>) -> Record<Instructions> {
        Record {
            schema: SCHEMA,
            instrument: "instructions".to_owned(),
            harness: "0.1.0".to_owned(),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            commit: None,
            dirty: false,
            source: "0".to_owned(),
            executable: "1".to_owned(),
            reason: None,
            environment: [].into(),
            cases,
        }
    }

    #[test]
    fn only_what_is_better_or_new_is_taken() {
        let old: Vec<_> = (0..6).map(|n| counted(n, 10_000, 5_000)).collect();
        let new = vec![
            counted(0, 9_000, 5_000),
            counted(1, 11_000, 5_000),
            counted(2, 10_010, 4_990),
            counted(3, 9_000, 50_000),
            counted(4, 10_000, 1_000),
            counted(6, 1, 1),
        ];
        let (old, new) = (record(old), record(new));
        let want = [
            (Shift::Tighter, 9_000, 5_000),
            (Shift::Looser, 10_000, 5_000),
            (Shift::Within, 10_000, 5_000),
            (Shift::Looser, 10_000, 5_000),
            (Shift::Tighter, 10_000, 1_000),
            (Shift::Gone, 10_000, 5_000),
            (Shift::Added, 1, 1),
        ];
        let got: Vec<_> = shifts(&old, &new).iter().map(|case| case.shift).collect();
        assert_eq!(got, want.map(|(shift, ..)| shift), "shifts");
        let tight = tightened(&old, &new).expect("three cases are taken");
        let got: Vec<_> = tight.cases.iter().map(|c| (c.instructions, c.d1_misses)).collect();
        assert_eq!(got, want.map(|(_, instructions, misses)| (instructions, misses)), "numbers");
        assert_eq!(tightened(&tight, &tight), None, "nothing to gain from itself");
    }

    #[test]
    fn wall_times_shift_where_their_ranges_lie_apart() {
        let wall = |factor: f64| wall("a/b/n1", 100.0 * factor);
        for (factor, beyond) in [(1.2, (false, false)), (2.0, (true, false)), (0.5, (false, true))]
        {
            assert_eq!(Wall::beyond(&wall(1.0), &wall(factor)), beyond, "{factor}");
            assert_eq!(
                Gpu::beyond(&Gpu(wall(1.0)), &Gpu(wall(factor))),
                beyond,
                "{factor} on a GPU"
            );
        }
    }
}
