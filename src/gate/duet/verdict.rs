//! What the gate has to say of paired runs.

use super::Outcome;
use crate::gate::{Change, Exit, Findings, Metric, Paired};

/// How strict to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whether what is unclear fails.
    pub strict: bool,
    /// Whether a case that only the old build has is no more than a note.
    pub allow_removed: bool,
}

impl Outcome {
    /// Adds a finding for every case that is not the same, and for every one that could not be
    /// compared; `again` makes the shell line that shows a case again.
    ///
    /// Where the self-tests make the verdicts advisory, no case is a regression.
    pub fn findings(&self, rules: Rules, again: &dyn Fn(&str) -> String, findings: &mut Findings) {
        let unclear = if rules.strict { Exit::Unclear } else { Exit::Pass };
        let duet = &self.duet;
        if let Some(why) = &duet.advisory {
            findings.push(unclear, "self-test", format!("{why}: times only inform"), None);
        }
        for case in &self.dropped {
            findings.push(case.exit, &case.id, &case.why, Some(again(&case.id)));
        }
        for id in &duet.removed {
            let (exit, next) = if rules.allow_removed {
                (Exit::Pass, None)
            } else {
                (Exit::Incomparable, Some("say --allow-removed if that is meant".to_owned()))
            };
            findings.push(exit, id, format!("is gone: only {} has it", duet.against), next);
        }
        for id in &duet.added {
            findings.push(Exit::Pass, id, "is new: nothing to compare it with", None);
        }
        for (id, what) in &self.notes {
            findings.push(Exit::Pass, id, what, None);
        }
        if duet.cases.is_empty() && self.dropped.is_empty() {
            findings.push(Exit::Incomparable, "duet", "the builds have no case in common", None);
        }
        for case in &duet.cases {
            let (exit, next) = match case.change {
                Change::Same => continue,
                Change::Slower if duet.advisory.is_none() => {
                    (Exit::Regression, Some(again(&case.id)))
                }
                Change::Slower | Change::Faster => (Exit::Pass, None),
                Change::Unclear => (unclear, rules.strict.then(|| again(&case.id))),
            };
            findings.push(exit, &case.id, said(case), next);
        }
    }
}

/// `slower, 1.103x (1.095 - 1.110), 50 pairs, margin 3 %, q 0.0049, thread CPU time`
fn said(case: &Paired) -> String {
    let (change, q) = match case.change {
        Change::Slower => ("slower", case.slower_q),
        Change::Faster => ("faster", case.faster_q),
        Change::Same => ("same", case.slower_q),
        Change::Unclear => ("unclear", case.slower_q.min(case.faster_q)),
    };
    let clock = match case.metric {
        Metric::ThreadCpu => "thread CPU time",
        Metric::Wall => "wall time",
        Metric::CudaEvent => "CUDA event time",
    };
    let Paired { ratio, low, high, pairs, margin, .. } = case;
    let percent = 100.0 * margin;
    format!(
        "{change}, {ratio:.3}x ({low:.3} - {high:.3}), {pairs} pairs, margin {percent} %, \
         q {q:.2e}, {clock}"
    )
}
