//! Which margins the samples support.

use serde::{Deserialize, Serialize};

use super::{Suite, Taken};
use crate::gate::{Change, Tolerance};

/// The margins to choose from, in percent. Where the linker puts code alone moves time by almost
/// 1 %, so less than 2 would gate the linker.
const PERCENT: [f64; 6] = [2.0, 3.0, 4.0, 5.0, 7.0, 10.0];

/// A margin below the default takes so many unchanged suites without a false alarm: 3.6 % of
/// suites is then the upper end of the 95 % interval of the rate.
const ENOUGH: usize = 100;

/// The margin of one class of cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The margin, in percent; `None` where none of those to choose from is without a false alarm.
    pub percent: Option<f64>,
    /// How many false alarms there were at each margin that was tried, in percent.
    pub false_alarms: Vec<(f64, usize)>,
    /// How many verdicts each of these numbers is of.
    pub verdicts: usize,
}

/// The margins of both classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margins {
    /// How many suites without a plant they rest on.
    pub suites: usize,
    /// Of cases that compute.
    pub compute: Chosen,
    /// Of cases that wait for memory.
    pub memory: Chosen,
}

impl Margins {
    /// As `ci/tolerance.json` holds them, where both could be chosen.
    pub fn tolerance(&self) -> Option<Tolerance> {
        Tolerance::new(self.compute.percent?, self.memory.percent?).ok()
    }
}

/// Chooses the smallest margins at which no suite without a plant has a false alarm, and none
/// below the default unless there are many such suites; `None` if there is none.
///
/// The samples are judged again at each margin. How many pairs there are was decided at the
/// margins of the time, so this is an approximation: below those margins a run would have taken
/// more pairs.
pub fn choose(suites: &[Suite]) -> Option<Margins> {
    let unchanged: Vec<&Suite> = suites.iter().filter(|suite| suite.kind.plant() == 0).collect();
    let default = Tolerance::default();
    let class = |memory_bound, default_pct: f64| {
        let of_class = |suite: &&Suite| {
            suite.cases.iter().filter(|case| case.memory_bound == memory_bound).count()
        };
        let suites = unchanged.iter().filter(|suite| of_class(suite) > 0).count();
        let least = if suites < ENOUGH { default_pct } else { PERCENT[0] };
        let (mut false_alarms, mut percent) = (Vec::new(), None);
        for tried in PERCENT.into_iter().filter(|percent| *percent >= least) {
            let alarms = alarms(&unchanged, memory_bound, tried / 100.0);
            false_alarms.push((tried, alarms));
            if alarms == 0 {
                percent = Some(tried);
                break;
            }
        }
        Chosen { percent, false_alarms, verdicts: unchanged.iter().map(of_class).sum() }
    };
    (!unchanged.is_empty()).then(|| Margins {
        suites: unchanged.len(),
        compute: class(false, default.compute_pct),
        memory: class(true, default.memory_pct),
    })
}

/// How many cases of a class are said to be slower at `margin`.
fn alarms(suites: &[&Suite], memory_bound: bool, margin: f64) -> usize {
    let at = |case: &Taken| if case.memory_bound == memory_bound { margin } else { case.margin };
    let of = |suite: &&Suite| {
        let judged = suite.changes_at(&at);
        let verdicts = suite.cases.iter().zip(judged);
        verdicts
            .filter(|(case, change)| case.memory_bound == memory_bound && *change == Change::Slower)
            .count()
    };
    suites.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::suite::tests::suite;
    use super::*;

    fn suites(count: usize, ratio: f64) -> Vec<Suite> {
        let cases = [("a/b/c", false, ratio), ("a/b/d", true, 1.0)];
        let planted = suite(Kind::Plant10, &[("a/b/c", false, 1.3), ("a/b/d", true, 1.3)]);
        let unchanged = (0..count).map(|_| suite(Kind::None, &cases));
        unchanged.chain([planted]).collect()
    }

    #[test]
    fn a_margin_is_the_smallest_without_false_alarms() {
        assert_eq!(choose(&suites(0, 1.0)), None, "nothing but plants");
        let few = choose(&suites(2, 1.0)).unwrap();
        assert_eq!(few.tolerance(), Some(Tolerance::default()), "not below the default");
        assert_eq!((few.suites, few.compute.verdicts, few.memory.verdicts), (2, 2, 2), "counts");
        let many = choose(&suites(100, 1.0)).unwrap();
        assert_eq!(many.tolerance(), Tolerance::new(2.0, 2.0).ok(), "but with many suites");
        let off = choose(&suites(2, 1.045)).unwrap();
        assert_eq!(off.compute.false_alarms, [(3.0, 2), (4.0, 2), (5.0, 0)], "4.5 % slower");
        assert_eq!(off.tolerance(), Tolerance::new(5.0, 5.0).ok(), "above");
        let broken = choose(&suites(2, 1.2)).unwrap();
        assert_eq!((broken.compute.percent, broken.tolerance()), (None, None), "no margin");
    }
}
