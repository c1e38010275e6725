//! The exact counts beside their baselines.

use std::path::Path;

use super::both::{Both, Missed};
use super::{Args, Skip};
use crate::cli::Exit;
use crate::cli::shell::quoted;
use crate::gate::{self, Counts, Findings, Matched, Question, Scope};
use crate::record::INSTRUCTIONS;

/// Compares the counts of the selected cases; `gone` are those that only the baselines know.
pub(super) fn counts(
    args: &Args,
    scope: &Scope<'_>,
    gone: Option<Findings>,
    target: &Path,
) -> Counts {
    if let Some(findings) = gone {
        return Counts::Missing { why: "no selected case is here".to_owned(), findings };
    }
    if args.skip.contains(&Skip::Instructions) {
        return Counts::Skipped("--skip instructions");
    }
    if scope.selected.is_empty() {
        let why = "no selected case is counted".to_owned();
        return Counts::Missing { why, findings: Findings::default() };
    }
    let both = match Both::read(&INSTRUCTIONS, &args.baselines(), scope, target) {
        Ok(both) => both,
        Err(Missed { exit, why, next }) => {
            let mut findings = Findings::of(match exit {
                Exit::Incomparable => Question::Comparable,
                _ => Question::Hungrier,
            });
            findings.push(exit, INSTRUCTIONS.name, why.clone(), Some(next.to_owned()));
            return Counts::Missing { why, findings };
        }
    };
    let mut findings = Findings::of(Question::Comparable);
    let rows = both.comparable(&INSTRUCTIONS, scope, &mut findings);
    let mut hungrier = Findings::of(Question::Hungrier);
    for Matched { old, new } in &rows {
        let again = format!(
            "{} && cargo run --release -- record && cargo run --release -- gate --exact {}{}",
            INSTRUCTIONS.command,
            quoted(&old.id),
            args.baseline_again()
        );
        gate::instructions(old, new, &again, &mut hungrier);
    }
    findings.append(hungrier);
    Counts::Compared { rows, findings }
}
