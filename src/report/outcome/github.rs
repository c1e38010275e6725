//! An outcome as annotations: lines that a GitHub runner turns into notes on the run.
//!
//! Source: GitHub Docs, "Workflow commands for GitHub Actions"; what must be escaped is in
//! `packages/core/src/command.ts` of actions/toolkit.

use crate::gate::{Exit, Outcome};

/// One workflow command per finding, the worst first, since GitHub shows only the first ten of
/// each kind.
pub fn annotations(outcome: &Outcome) -> String {
    let command = |name: &str, title: &str, message: &str| {
        format!("::{name} title={}::{}\n", property(title), data(message))
    };
    let mut text = String::new();
    if let Some(why) = outcome.advisory() {
        text += &command("warning", "advisory", &why);
    }
    for finding in outcome.worst_first() {
        let name = if finding.exit == Exit::Pass { "notice" } else { "error" };
        let title = format!("{}: {}", finding.kind(), finding.about);
        let next = finding.next.as_ref().map_or_else(String::new, |next| format!("\n{next}"));
        text += &command(name, &title, &format!("{}{next}", finding.what));
    }
    text
}

/// The text behind a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of one of its properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_finding_is_one_command_with_its_text_escaped() {
        let text = annotations(&samples::regression());
        let want = "::error title=regression%3A lattice/encode/n1::instructions 1000 -> 1100 \
                    (+10.00 %25, limit +0.50 %25)%0Acargo bench --bench instructions";
        assert_eq!(text.lines().next(), Some(want), "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("::notice title=note%3A "), "{text}");
    }

    #[test]
    fn a_kernel_cannot_plant_a_command() {
        for outcome in samples::all() {
            let text = annotations(&outcome);
            assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
            assert!(!text.contains("\n::error::"), "{text}");
            let notes = usize::from(outcome.advisory().is_some());
            assert_eq!(text.lines().count(), outcome.findings().iter().count() + notes, "{text}");
        }
    }

    #[test]
    fn properties_escape_what_ends_them() {
        assert_eq!(property("a:b,c%\r\n"), "a%3Ab%2Cc%25%0D%0A", "property");
        assert_eq!(data("a:b,c%\r\n"), "a:b,c%25%0D%0A", "data");
    }

    #[test]
    fn an_advisory_run_warns_first() {
        assert!(annotations(&samples::advisory()).starts_with("::warning title=advisory::"));
    }
}
