//! An outcome as `JUnit` XML: a suite for each chapter, a test for each selected case.
//!
//! A finding about no selected case, such as a missing baseline, is a test of a suite named like the
//! subcommand. A case that nothing compared, or whose times only inform, counts as skipped.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::gate::{Exit, Finding, Outcome};

/// `JUnit` XML.
pub fn junit(outcome: &Outcome) -> String {
    let mut report = Report::new(format!("stepmark {}", outcome.head.command));
    for (name, tests) in suites(outcome) {
        let mut suite = TestSuite::new(name);
        suite.timestamp = outcome.head.started.parse().ok();
        suite.add_test_cases(tests);
        report.add_test_suite(suite);
    }
    xml(&report)
}

fn xml(report: &Report) -> String {
    let xml = report.to_string().expect("strings are written into memory");
    // Two characters that XML cannot hold, and that the writer lets pass.
    xml.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// The tests of each suite, by its name.
fn suites(outcome: &Outcome) -> BTreeMap<&str, Vec<TestCase>> {
    let mut about: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in outcome.worst_first() {
        about.entry(&finding.about).or_default().push(finding);
    }
    let (compared, advisory) = (outcome.compared(), outcome.advisory());
    let mut suites: BTreeMap<&str, Vec<TestCase>> = BTreeMap::new();
    for id in &outcome.selected {
        let found = about.remove(id.as_str()).unwrap_or_default();
        let left_out = match advisory.as_deref() {
            _ if !compared.contains(id.as_str()) => Some("checked, but nothing was compared"),
            advisory => advisory,
        };
        let (suite, name) = id.split_once('/').unwrap_or((outcome.head.command, id));
        suites.entry(suite).or_default().push(test(suite, name, &found, left_out));
    }
    let command = outcome.head.command;
    for (name, found) in about {
        suites.entry(command).or_default().push(test(command, name, &found, None));
    }
    suites
}

/// A test with these findings, the worst first; `left_out` says why it is not passed without any.
fn test(suite: &str, name: &str, found: &[&Finding], left_out: Option<&str>) -> TestCase {
    let (notes, faults): (Vec<&Finding>, Vec<&Finding>) =
        found.iter().partition(|found| found.exit == Exit::Pass);
    let text = |found: &[&Finding]| -> String {
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let mut status = TestCaseStatus::success();
    if let Some(worst) = faults.first() {
        status = TestCaseStatus::non_success(match worst.exit {
            Exit::Regression | Exit::Wrong | Exit::Unclear => NonSuccessKind::Failure,
            Exit::Failure | Exit::Usage | Exit::Incomparable | Exit::Pass => NonSuccessKind::Error,
        });
        status.set_type(worst.kind()).set_message(&worst.what);
        status.set_description(text(&faults));
    } else if let Some(why) = left_out {
        status = TestCaseStatus::skipped();
        status.set_type("not compared").set_message(why);
    }
    let mut test = TestCase::new(name, status);
    test.set_classname(suite);
    if !notes.is_empty() {
        test.set_system_out(text(&notes));
    }
    test
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::super::samples;
    use super::*;

    /// The parts that an element may have: its attributes, the required ones in capitals, and its children.
    /// These are facts of `junit-10.xsd` of the Jenkins plugin xUnit, the strictest reader of this
    /// format, as far as we write such elements; it does not know `skipped` of all suites.
    const RULES: [(&str, &str, &str); 7] = [
        ("testsuites", "name time tests failures errors skipped", "testsuite"),
        (
            "testsuite",
            "NAME TESTS FAILURES ERRORS group time skipped timestamp hostname id package file log url",
            "testsuite properties testcase system-out system-err",
        ),
        ("testcase", "NAME time classname group", "skipped error failure system-out system-err"),
        ("failure", "type message", ""),
        ("error", "type message", ""),
        ("skipped", "type message", ""),
        ("system-out", "", ""),
    ];

    fn keeps_the_rules(node: Node<'_, '_>) {
        let name = node.tag_name().name();
        let (_, attributes, children) = RULES.iter().find(|rule| rule.0 == name).expect(name);
        let known: Vec<&str> = attributes.split(' ').collect();
        for attribute in node.attributes() {
            let there = |known: &&str| known.eq_ignore_ascii_case(attribute.name());
            assert!(known.iter().any(there), "{name} {}", attribute.name());
        }
        for required in known.iter().filter(|known| known.starts_with(char::is_uppercase)) {
            let required = required.to_lowercase();
            assert!(node.has_attribute(required.as_str()), "{name} lacks {required}");
        }
        for child in node.children() {
            if child.is_element() {
                let child_name = child.tag_name().name();
                assert!(
                    children.split(' ').any(|known| known == child_name),
                    "{name}/{child_name}"
                );
                keeps_the_rules(child);
            } else if !children.is_empty() {
                assert_eq!(child.text().unwrap().trim(), "", "text in {name}");
            }
        }
    }

    fn elements<'a>(document: &'a Document<'_>, name: &str) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.has_tag_name(name)).collect()
    }

    #[test]
    fn every_outcome_is_well_formed_and_keeps_the_rules_of_jenkins() {
        for outcome in samples::all() {
            let text = junit(&outcome);
            let document = Document::parse(&text).unwrap();
            keeps_the_rules(document.root_element());
            for suite in
                elements(&document, "testsuite").into_iter().chain([document.root_element()])
            {
                for (attribute, name) in [
                    ("tests", "testcase"),
                    ("failures", "failure"),
                    ("errors", "error"),
                    ("skipped", "skipped"),
                ] {
                    let count = suite.descendants().filter(|node| node.has_tag_name(name)).count();
                    if let Some(said) = suite.attribute(attribute) {
                        assert_eq!(said, count.to_string(), "{attribute} in {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn there_is_a_test_for_each_case_and_a_fault_in_it_exactly_if_the_run_fails() {
        for outcome in samples::all() {
            let text = junit(&outcome);
            let document = Document::parse(&text).unwrap();
            let mut ids: Vec<String> = elements(&document, "testcase")
                .iter()
                .map(|test| {
                    format!(
                        "{}/{}",
                        test.attribute("classname").unwrap(),
                        test.attribute("name").unwrap()
                    )
                })
                .collect();
            ids.retain(|id| !id.starts_with(outcome.head.command));
            assert_eq!(ids, outcome.selected, "{text}");
            let faults = elements(&document, "failure").len() + elements(&document, "error").len();
            assert_eq!(faults > 0, outcome.exit() != Exit::Pass, "{text}");
        }
    }

    #[test]
    fn awkward_characters_arrive_as_they_are_unless_xml_cannot_hold_them() {
        let text = junit(&samples::wrong());
        let document = Document::parse(&text).unwrap();
        let failure = elements(&document, "failure")[0];
        let want = "y[0] is <b>-1|`x`</b> & \"1\", @all #1 ::error::no \u{fffd} [31m]]>";
        assert_eq!(failure.attribute("message"), Some(want), "{text}");
        assert_eq!(failure.attribute("type"), Some("wrong result"), "{text}");
        assert!(failure.text().unwrap().ends_with("-- check --filter lattice/encode/n1"), "{text}");
    }

    #[test]
    fn what_is_about_no_case_is_an_error_of_its_own() {
        let text = junit(&samples::incomparable());
        let document = Document::parse(&text).unwrap();
        let gate: Vec<_> = elements(&document, "testcase")
            .into_iter()
            .filter(|test| test.attribute("classname") == Some("gate"))
            .map(|test| test.attribute("name").unwrap())
            .collect();
        assert_eq!(gate, ["instructions", "md/gone/n1"], "{text}");
        assert_eq!(elements(&document, "skipped").len(), 2, "not compared: {text}");
    }

    #[test]
    fn no_case_of_an_advisory_run_counts_as_passed() {
        for (outcome, why) in [
            (samples::advisory(), "differs from itself"),
            (samples::informed(), "nothing was compared"),
        ] {
            let text = junit(&outcome);
            let document = Document::parse(&text).unwrap();
            assert_eq!(elements(&document, "skipped").len(), 2, "{text}");
            assert!(text.contains(why), "{text}");
        }
    }
}
