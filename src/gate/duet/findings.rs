//! Findings from paired times.

use crate::gate::{Change, Duet, Exit, Findings, Question, Timed};

/// Returns what a duet answers to the question whether a kernel is slower.
///
/// A slower case is a regression, an unclear one fails only if `strict`. Where the times are
/// advisory, none of them decides; that alone fails if `strict`. A removed case is incomparable
/// unless `allow_removed`; so is one that only the old build answers wrongly, and a duet that
/// compared no case. `again` makes the shell line of such a run, of one case or of all.
pub fn findings(
    duet: &Duet,
    strict: bool,
    allow_removed: bool,
    again: &dyn Fn(Option<&str>) -> String,
) -> Findings {
    let mut findings = Findings::of(Question::Slower);
    let if_strict = if strict { Exit::Unclear } else { Exit::Pass };
    let (slower, unclear) = match &duet.advisory {
        None => (Exit::Regression, if_strict),
        Some(why) => {
            let what = format!("paired times only inform: {why}");
            findings.push(if_strict, "paired", what, strict.then(|| again(None)));
            (Exit::Pass, Exit::Pass)
        }
    };
    let shown = |id: &str| Some(again(Some(id)));
    for case in &duet.dropped {
        findings.push(case.exit, &case.id, &case.why, shown(&case.id));
    }
    for case in &duet.cases {
        let exit = match case.change {
            Change::Slower => slower,
            Change::Faster => Exit::Pass,
            Change::Unclear => unclear,
            Change::Same => continue,
        };
        let next = shown(&case.id).filter(|_| exit != Exit::Pass);
        findings.push(exit, &case.id, found(case), next);
    }
    for id in &duet.removed {
        let (exit, next) = match allow_removed {
            true => (Exit::Pass, None),
            false => (Exit::Incomparable, Some(again(None) + " --allow-removed")),
        };
        findings.push(exit, id, format!("is gone, but {} has it", duet.against), next);
    }
    for id in &duet.added {
        findings.push(Exit::Pass, id, format!("is new: {} does not have it", duet.against), None);
    }
    for (id, what) in &duet.notes {
        findings.push(Exit::Pass, id, what, None);
    }
    if duet.cases.is_empty() && duet.dropped.is_empty() {
        let what = format!("no selected case is both here and in {}", duet.against);
        findings.push(Exit::Incomparable, "paired", what, Some(again(None)));
    }
    findings
}

/// `slower: CPU and wait time +6.52 % (95 % interval +5.10 % to +7.93 %, margin 3.00 %, 50 pairs)`,
/// and its parts, where any of it was waited.
fn found(case: &Timed) -> String {
    let percent = |ratio: f64| format!("{:+.2} %", 100.0 * (ratio - 1.0));
    let mut parts = String::new();
    if case.old_waited_ns.max(case.new_waited_ns) > 0.0 {
        let us = |ns: f64| ns / 1000.0;
        let cpu = [case.old_ns - case.old_waited_ns, case.new_ns - case.new_waited_ns].map(us);
        let waited = [case.old_waited_ns, case.new_waited_ns].map(us);
        parts = format!(
            "; of a step, CPU time {:.1} us in OLD and {:.1} us in NEW, waited {:.1} us and {:.1} us",
            cpu[0], cpu[1], waited[0], waited[1]
        );
    }
    format!(
        "{}: {} {} (95 % interval {} to {}, margin {:.2} %, {} pairs{parts})",
        case.change,
        case.metric,
        percent(case.ratio),
        percent(case.low),
        percent(case.high),
        100.0 * case.margin,
        case.pairs
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Dropped, duet_of, timed_case};

    fn again(id: Option<&str>) -> String {
        format!("cargo run --release -- duet main --filter {}", id.unwrap_or("a/"))
    }

    fn said(duet: &Duet, strict: bool, allow_removed: bool) -> (Exit, Vec<String>) {
        let all = findings(duet, strict, allow_removed, &again);
        assert!(all.iter().all(|found| found.question == Question::Slower), "{all:?}");
        (all.exit(), all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn slower_is_a_regression_that_ends_with_how_to_see_it_again() {
        let duet = duet_of(vec![timed_case("a/b/n1", 1.065, Change::Slower)]);
        let (exit, lines) = said(&duet, false, false);
        let want = "FAIL regression    a/b/n1: slower: CPU and wait time +6.50 % (95 % interval \
                    +5.50 % to +7.50 %, margin 3.00 %, 50 pairs); \
                    cargo run --release -- duet main --filter a/b/n1";
        assert_eq!((exit, lines), (Exit::Regression, vec![want.to_owned()]), "slower");
    }

    #[test]
    fn a_finding_names_the_parts_where_something_waited() {
        let mut case = timed_case("a/b/n1", 1.5, Change::Slower);
        (case.new_ns, case.new_waited_ns) = (1_500_000.0, 490_000.0);
        let (_, lines) = said(&duet_of(vec![case]), false, false);
        let want = "50 pairs; of a step, CPU time 1.0 us in OLD and 1010.0 us in NEW, waited 0.0 us \
                    and 490.0 us); cargo run";
        assert!(lines[0].contains(want), "{lines:?}");
    }

    #[test]
    fn same_is_silent_faster_a_note_and_unclear_fails_only_if_strict() {
        let duet = duet_of(vec![
            timed_case("a/b/n1", 1.0, Change::Same),
            timed_case("a/b/n2", 0.9, Change::Faster),
            timed_case("a/b/n3", 1.02, Change::Unclear),
        ]);
        let (exit, lines) = said(&duet, false, false);
        assert_eq!((exit, lines.len()), (Exit::Pass, 2), "{lines:?}");
        assert!(lines[0].starts_with("note") && lines[0].contains("faster: "), "{lines:?}");
        assert!(lines[1].starts_with("note") && lines[1].contains("unclear: "), "{lines:?}");
        let (exit, lines) = said(&duet, true, false);
        assert_eq!((exit, lines.len()), (Exit::Unclear, 2), "{lines:?}");
        assert!(lines[1].starts_with("FAIL unclear") && lines[1].ends_with("--filter a/b/n3"));
    }

    #[test]
    fn advisory_times_never_decide_but_fail_if_strict() {
        let mut duet = duet_of(vec![
            timed_case("a/b/n1", 1.5, Change::Slower),
            timed_case("a/b/n2", 1.02, Change::Unclear),
        ]);
        duet.advisory = Some("a/b/n1 differs from itself".to_owned());
        let (exit, lines) = said(&duet, false, false);
        assert_eq!((exit, lines.len()), (Exit::Pass, 3), "{lines:?}");
        assert!(lines[0].contains("paired times only inform: a/b/n1 differs"), "{lines:?}");
        let (exit, lines) = said(&duet, true, false);
        assert_eq!(exit, Exit::Unclear, "{lines:?}");
        let failed: Vec<_> = lines.iter().filter(|line| line.starts_with("FAIL")).collect();
        assert_eq!(failed.len(), 1, "that they inform fails, not each case: {lines:?}");
        assert!(failed[0].ends_with("; cargo run --release -- duet main --filter a/"), "{lines:?}");
    }

    #[test]
    fn a_removed_case_is_incomparable_unless_allowed_and_a_new_one_a_note() {
        let mut duet = duet_of(vec![timed_case("a/b/n1", 1.0, Change::Same)]);
        duet.added = vec!["a/b/n3".to_owned()];
        duet.removed = vec!["a/b/n2".to_owned()];
        let (exit, lines) = said(&duet, false, false);
        assert_eq!((exit, lines.len()), (Exit::Incomparable, 2), "{lines:?}");
        assert!(lines[0].contains("a/b/n2: is gone, but main has it"), "{lines:?}");
        assert!(lines[0].ends_with("--filter a/ --allow-removed"), "{lines:?}");
        assert!(lines[1].starts_with("note") && lines[1].contains("is new"), "{lines:?}");
        assert_eq!(said(&duet, true, true).0, Exit::Pass, "allowed");
    }

    #[test]
    fn a_case_that_a_build_answers_wrongly_is_named_with_the_rest() {
        let mut duet = duet_of(vec![timed_case("a/b/n1", 1.5, Change::Slower)]);
        let dropped =
            |id: &str, exit| Dropped { id: id.to_owned(), exit, why: "y[0] is 1".to_owned() };
        duet.dropped = vec![dropped("a/b/n2", Exit::Wrong), dropped("a/b/n3", Exit::Incomparable)];
        duet.notes = vec![("a/b/n1".to_owned(), "is `scalar` in OLD".to_owned())];
        let (exit, lines) = said(&duet, false, false);
        assert_eq!((exit, lines.len()), (Exit::Wrong, 4), "{lines:?}");
        assert!(
            lines[0]
                .ends_with("a/b/n2: y[0] is 1; cargo run --release -- duet main --filter a/b/n2")
        );
        assert!(lines[1].starts_with("FAIL incomparable") && lines[3].starts_with("note"));
        duet.cases.clear();
        assert_eq!(said(&duet, false, false).0, Exit::Wrong, "{lines:?}");
    }

    #[test]
    fn a_duet_of_nothing_is_incomparable() {
        let (exit, lines) = said(&duet_of(Vec::new()), false, true);
        assert_eq!(exit, Exit::Incomparable, "{lines:?}");
    }
}
