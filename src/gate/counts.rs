//! Deterministic counts against their limits: is a kernel hungrier?

use super::comparable::ACCEPT;
use super::verdict::Findings;
use crate::exit::Exit;
use crate::record::metric::{self, Better, Instrument, Limit, Limits, Metric};
use crate::record::{INSTRUCTIONS, Row};

/// One count of a case in two records.
struct Count {
    metric: &'static Metric,
    before: u64,
    after: u64,
    /// Beyond it a loss fails, and a gain asks for `accept`.
    fail: Limit,
    /// Beyond it a change is worth a note.
    note: Limit,
}

/// The change of a count against its limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Worse,
    Better,
    Noted,
    None,
}

impl Count {
    fn step(&self) -> Step {
        let (before, after) = (i128::from(self.before), i128::from(self.after));
        // A fall is measured from the old count, as a rise is.
        let fall = before + (before - after);
        let (loss, gain) = match self.metric.better {
            Better::More => (fall, after),
            Better::Less | Better::Neither => (after, fall),
        };
        if self.fail.exceeded(before, loss) {
            Step::Worse
        } else if self.fail.exceeded(before, gain) {
            Step::Better
        } else if self.note.exceeded(before, after.max(fall)) {
            Step::Noted
        } else {
            Step::None
        }
    }

    /// `D1 misses 1000 -> 8000 (+700.00 %, limit +10.00 % and 1000 more)`
    fn what(&self) -> String {
        let Self { metric, before, after, fail, .. } = self;
        let (share, more) = (fail.share as f64 / 100.0, fail.more);
        let mut aside = Vec::new();
        if *before > 0 && fail.share > 0 {
            let more = i128::from(*after) - i128::from(*before);
            aside.push(format!("{:+.2} %", more as f64 / *before as f64 * 100.0));
        }
        match self.step() {
            Step::Worse if fail.share == 0 => aside.push("exact".to_owned()),
            Step::Worse => {
                let (sign, word) = match metric.better {
                    Better::More => ('-', "less"),
                    Better::Less | Better::Neither => ('+', "more"),
                };
                let and = if more == 0 { String::new() } else { format!(" and {more} {word}") };
                aside.push(format!("limit {sign}{share:.2} %{and}"));
            }
            _ => {}
        }
        let aside =
            if aside.is_empty() { String::new() } else { format!(" ({})", aside.join(", ")) };
        format!("{} {before} -> {after}{aside}", metric.title)
    }
}

/// The metrics of both rows that have limits as counts, in the order of the instrument.
fn counts(instrument: &Instrument, old: &Row, new: &Row) -> Vec<Count> {
    let count = |name: &&str| {
        let metric = metric::metric(name)?;
        let Limits::Count { fail, note } = metric.limits else { return None };
        let (before, after) = (old.count(name), new.count(name));
        Some(Count { metric, before, after, fail, note })
    };
    instrument.metrics.iter().filter_map(count).collect()
}

/// Compares the deterministic counts of one case with their limits.
///
/// `reproduce` is the shell line that shows a failure again.
pub fn instructions(old: &Row, new: &Row, reproduce: &str, findings: &mut Findings) {
    for count in counts(&INSTRUCTIONS, old, new) {
        let (exit, next) = match count.step() {
            Step::Worse => (Exit::Regression, Some(reproduce.to_owned())),
            Step::Better => (Exit::Pass, Some(format!("to keep the gain: {ACCEPT}"))),
            Step::Noted => (Exit::Pass, None),
            Step::None => continue,
        };
        findings.push(exit, &old.id, count.what(), next);
    }
}

/// Says which exact numbers of a case are worse, each beyond its limit.
pub fn losses(instrument: &Instrument, old: &Row, new: &Row) -> Vec<String> {
    let counts = counts(instrument, old, new).into_iter();
    counts.filter(|count| count.step() == Step::Worse).map(|count| count.what()).collect()
}

/// Whether any count is worse, and whether any is better, each beyond its limit.
pub(super) fn beyond(instrument: &Instrument, old: &Row, new: &Row) -> (bool, bool) {
    let steps: Vec<Step> = counts(instrument, old, new).iter().map(Count::step).collect();
    (steps.contains(&Step::Worse), steps.contains(&Step::Better))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Value, row};

    fn of(numbers: [u64; 5]) -> Row {
        let named = INSTRUCTIONS.metrics.iter().copied().zip(numbers.map(Value::from));
        row("a/b/n1", &named.collect::<Vec<_>>())
    }

    fn counted(instructions: u64, heap_blocks: u64, heap_bytes: u64) -> Row {
        of([instructions, 0, 0, heap_blocks, heap_bytes])
    }

    fn missed(d1_misses: u64, ll_misses: u64) -> Row {
        of([1_000_000, d1_misses, ll_misses, 0, 0])
    }

    fn compared(old: &Row, new: &Row) -> (Exit, Vec<String>) {
        let mut findings = Findings::default();
        instructions(old, new, "cargo bench", &mut findings);
        (findings.exit(), findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_limit_is_half_a_percent_and_not_a_count_more() {
        let old = counted(1_000_000, 0, 0);
        for (now, exit, lines) in [
            (1_000_000, Exit::Pass, 0),
            (1_000_500, Exit::Pass, 0),
            (1_000_501, Exit::Pass, 1),
            (1_005_000, Exit::Pass, 1),
            (1_005_001, Exit::Regression, 1),
            (1_020_000, Exit::Regression, 1),
            (999_499, Exit::Pass, 1),
            (990_000, Exit::Pass, 1),
            (u64::MAX, Exit::Regression, 1),
        ] {
            let (got, said) = compared(&old, &counted(now, 0, 0));
            assert_eq!((got, said.len()), (exit, lines), "{now}: {said:?}");
        }
        let (_, said) = compared(&old, &counted(1_020_000, 0, 0));
        assert!(said[0].ends_with("(+2.00 %, limit +0.50 %); cargo bench"), "{said:?}");
        let (_, said) = compared(&old, &counted(990_000, 0, 0));
        assert!(said[0].ends_with(&format!("(-1.00 %); to keep the gain: {ACCEPT}")), "{said:?}");
    }

    #[test]
    fn misses_fail_above_ten_percent_and_a_thousand_more_and_not_a_count_less() {
        for (before, after, exit, lines) in [
            (20_000, 22_000, Exit::Pass, 1),
            (20_000, 22_001, Exit::Regression, 1),
            (20_000, 21_000, Exit::Pass, 0),
            (20_000, 21_001, Exit::Pass, 1),
            (2_000, 3_000, Exit::Pass, 0),
            (2_000, 3_001, Exit::Regression, 1),
            (2, 1_002, Exit::Pass, 0),
            (0, 1_000, Exit::Pass, 0),
            (0, 1_001, Exit::Regression, 1),
            (20_000, 19_000, Exit::Pass, 0),
            (20_000, 18_000, Exit::Pass, 1),
            (20_000, 17_999, Exit::Pass, 1),
            (0, u64::MAX, Exit::Regression, 1),
        ] {
            for (kind, old, new) in [
                ("D1", missed(before, 0), missed(after, 0)),
                ("LL", missed(0, before), missed(0, after)),
            ] {
                let (got, said) = compared(&old, &new);
                assert_eq!((got, said.len()), (exit, lines), "{before} -> {after}: {said:?}");
                assert!(said.iter().all(|line| line.contains(kind)), "{said:?}");
                let keep = said.iter().any(|line| line.contains("to keep the gain"));
                assert_eq!(keep, after == 17_999, "{before} -> {after}: {said:?}");
            }
        }
        let (_, said) = compared(&missed(1000, 0), &missed(8000, 0));
        let losses = losses(&INSTRUCTIONS, &missed(1000, 0), &missed(8000, 0));
        assert_eq!(losses, ["D1 misses 1000 -> 8000 (+700.00 %, limit +10.00 % and 1000 more)"]);
        let what = "D1 misses 1000 -> 8000 (+700.00 %, limit +10.00 % and 1000 more); cargo bench";
        assert!(said[0].ends_with(what), "{said:?}");
        let (_, said) = compared(&missed(0, 0), &missed(0, 8000));
        assert!(said[0].contains("LL misses 0 -> 8000 (limit +10.00 %"), "no share of 0: {said:?}");
    }

    #[test]
    fn of_what_is_better_when_more_a_fall_is_the_loss() {
        let less = metric::metric("instructions").unwrap();
        let more = Box::leak(Box::new(Metric { better: Better::More, ..*less }));
        for (before, after, rises, falls) in [
            (1000, 1006, Step::Worse, Step::Better),
            (1000, 994, Step::Better, Step::Worse),
            (1000, 1001, Step::Noted, Step::Noted),
            (1000, 1000, Step::None, Step::None),
        ] {
            let Limits::Count { fail, note } = less.limits else { panic!("{less:?}") };
            let of = |metric| Count { metric, before, after, fail, note };
            assert!(of(less).step() == rises, "{after} of what is better when less");
            assert!(of(more).step() == falls, "{after} of what is better when more");
            if falls == Step::Worse {
                let what = of(more).what();
                assert!(what.ends_with("(-0.60 %, limit -0.50 %)"), "{what}");
            }
        }
    }

    #[test]
    fn the_heap_is_exact() {
        let old = counted(1000, 1, 64);
        for (blocks, bytes, exit) in [
            (1, 64, Exit::Pass),
            (2, 64, Exit::Regression),
            (1, 65, Exit::Regression),
            (0, 0, Exit::Pass),
        ] {
            let (got, said) = compared(&old, &counted(1000, blocks, bytes));
            assert_eq!(got, exit, "{said:?}");
        }
    }
}
