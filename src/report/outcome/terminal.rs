//! An outcome as lines of text: one for each case that is not the same, then the verdict.

use std::fmt::Write as _;

use crate::case;
use crate::gate::{Change, Duet, Exit, Outcome, Question, State, WORST_FIRST};

/// Most lines of wall times: a busy machine moves all of them.
const MOST_WALLS: usize = 20;

/// The lines that `stepmark gate` prints.
///
/// The first says what was compared, what was left out and why nothing is called a pass; the last
/// names the question that decided.
pub fn terminal(outcome: &Outcome) -> String {
    let without = without(outcome);
    let mut text = format!(
        "{}: {} against {}{without}{}\n",
        outcome.head.command,
        case::count(outcome.selected.len()),
        outcome.head.against,
        outcome.advisory().map_or_else(String::new, |why| format!("; advisory: {why}")),
    );
    for finding in outcome.findings().iter() {
        text += &format!("{finding}\n");
    }
    text += &outcome.duet.as_ref().map_or_else(String::new, pairs);
    if outcome.head.command == "gate" {
        text += &wall(outcome);
    }
    text + &format!("{}{without}\n", summary(outcome))
}

/// ``regression by `hungrier` (exit 3): 2 of 2 cases compared, 1 regression, 2 notes``
pub(super) fn summary(outcome: &Outcome) -> String {
    let exit = outcome.exit();
    let mut text = outcome.verdict().to_owned();
    let decided = outcome.decided();
    let decided: Vec<String> = decided.iter().map(|by| format!("`{}`", by.name())).collect();
    if exit != Exit::Pass {
        write!(text, " by {}", decided.join(", ")).expect("a String grows");
    }
    write!(
        text,
        " (exit {}): {} of {} compared, {}",
        exit.code(),
        outcome.compared().len(),
        case::count(outcome.comparable),
        counts(outcome)
    )
    .expect("a String grows");
    if exit == Exit::Pass && !decided.is_empty() {
        write!(text, "; decided by {}", decided.join(", ")).expect("a String grows");
    }
    text
}

/// `, without instructions (--skip instructions)`
fn without(outcome: &Outcome) -> &'static str {
    let mut answers = outcome.answers().iter();
    let is_skipped = answers
        .any(|answer| answer.question == Question::Hungrier && answer.state == State::Skipped);
    if is_skipped { ", without instructions (--skip instructions)" } else { "" }
}

/// `paired times, seed 7: 1 slower, 0 faster, 20 same, 0 unclear, 0 not compared`
fn pairs(duet: &Duet) -> String {
    let count = |change| duet.cases.iter().filter(|case| case.change == change).count();
    let changes = [Change::Slower, Change::Faster, Change::Same, Change::Unclear];
    let counts = changes.map(|change| format!("{} {change}", count(change))).join(", ");
    let others = duet.dropped.len() + duet.added.len() + duet.removed.len();
    format!("paired times, seed {}: {counts}, {others} not compared\n", duet.seed)
}

/// Wall times that are not the same: those with ranges apart first, and the slowest of them.
fn wall(outcome: &Outcome) -> String {
    let title = "wall times (inform only)";
    let walls = match &outcome.walls {
        Ok(walls) => walls,
        Err(why) => return format!("{title}: not compared: {why}\n"),
    };
    let mut moved = outcome.ratios();
    moved.retain(|ratio| !ratio.same);
    moved.sort_by(|a, b| a.overlap.cmp(&b.overlap).then(b.ratio.total_cmp(&a.ratio)));
    let mut text = format!(
        "{title}: {} of {} not the same as in the baseline, {} with 5-95 % ranges apart\n",
        moved.len(),
        case::count(walls.len()),
        moved.iter().filter(|ratio| !ratio.overlap).count()
    );
    for ratio in moved.iter().take(MOST_WALLS) {
        text += &format!("  {ratio}\n");
    }
    if moved.len() > MOST_WALLS {
        text += &format!("  and {} more\n", moved.len() - MOST_WALLS);
    }
    text
}

/// `1 regression, 2 notes`
fn counts(outcome: &Outcome) -> String {
    let count = |exit: Exit| {
        let name = if exit == Exit::Pass { "note" } else { exit.name() };
        match outcome.findings().count(exit) {
            0 => None,
            1 => Some(format!("1 {name}")),
            n => Some(format!("{n} {name}s")),
        }
    };
    let counts: Vec<String> = WORST_FIRST.into_iter().filter_map(count).collect();
    if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_last_line_names_the_question_that_decided() {
        for (outcome, want) in [
            (
                samples::pass(),
                "pass (exit 0): 2 of 2 cases compared, no findings; decided by `comparable`, `right`, \
                 `hungrier`",
            ),
            (
                samples::regression(),
                "regression by `hungrier` (exit 3): 2 of 2 cases compared, 1 regression, 1 note",
            ),
            (
                samples::wrong(),
                "wrong result by `right` (exit 4): 2 of 2 cases compared, 1 wrong result",
            ),
            (
                samples::incomparable(),
                "incomparable by `comparable` (exit 5): 0 of 2 cases compared, 2 incomparables",
            ),
            (
                samples::duet(),
                "regression by `slower` (exit 3): 4 of 5 cases compared, 2 regressions, 3 notes",
            ),
            (samples::strict(), "unclear by `slower` (exit 6): 2 of 2 cases compared, 1 unclear"),
            (
                samples::informed(),
                "advisory (exit 0): 0 of 2 cases compared, no findings; decided by `comparable`, `right`, \
                 without instructions (--skip instructions)",
            ),
        ] {
            assert_eq!(terminal(&outcome).lines().last(), Some(want), "last line");
        }
    }

    #[test]
    fn every_failure_ends_with_a_shell_line() {
        for outcome in samples::all() {
            for line in terminal(&outcome).lines().filter(|line| line.starts_with("FAIL")) {
                let shell = line.rsplit("; ").next().unwrap();
                assert!(shell.starts_with("cargo ") || shell.starts_with("ci/"), "{line}");
            }
        }
    }

    #[test]
    fn an_advisory_run_says_so_first_and_is_never_called_a_pass() {
        for (outcome, why) in [
            (samples::advisory(), "; advisory: paired times only inform: lattice/encode/n1"),
            (samples::informed(), "; advisory: nothing that decides was compared"),
        ] {
            let text = terminal(&outcome);
            let first = text.lines().next().unwrap();
            assert!(first.contains(why), "{first}");
            assert!(!text.to_lowercase().contains("pass"), "{text}");
            assert!(text.lines().last().unwrap().starts_with("advisory (exit 0): "), "{text}");
        }
    }

    #[test]
    fn only_wall_times_that_are_not_the_same_have_a_line_and_not_too_many() {
        let outcome = samples::pass();
        let text = terminal(&outcome);
        let title = "1 of 2 cases not the same as in the baseline, 1 with 5-95 % ranges apart";
        assert!(text.contains(title), "{text}");
        assert!(text.contains("\n   3.000x  UNCLEAR  lattice/encode/n2  (5-95 %"), "{text}");
        assert!(!text.contains("lattice/encode/n1"), "{text}");

        let mut walls = outcome.walls.unwrap();
        walls[0].new.metrics.insert("median_ns".to_owned(), 108.0.into());
        walls.extend(vec![walls[0].clone(); 21]);
        let outcome = samples::with(|parts| parts.walls.rows = Ok(walls));
        let text = terminal(&outcome);
        assert!(text.contains(": 23 of 23 cases not the same"), "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("x  UNCLEAR  ")).collect();
        assert_eq!(lines.len(), MOST_WALLS, "{text}");
        assert!(lines[0].contains("3.000x"), "what is apart comes first: {text}");
        assert_eq!(lines[1], "   1.080x  UNCLEAR  lattice/encode/n1", "ranges overlap");
        assert!(text.contains("\n  and 3 more\n"), "{text}");
    }
}
