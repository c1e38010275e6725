//! An outcome as `JUnit` XML: a suite for each chapter, a test for each selected case.
//!
//! What is about no selected case, such as a missing baseline, is a test of a suite named like the
//! subcommand. A case that nothing compared, or whose times only inform, counts as skipped.
//!
//! Source: `junit-10.xsd` of the Jenkins plugin xUnit, the strictest reader of this format.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::gate::{Exit, Finding, Outcome};

/// A test and how it ended.
struct Test<'a> {
    name: &'a str,
    result: Result<(), Fault>,
    /// What is worth a note.
    notes: Vec<String>,
}

/// Why a test is not passed.
struct Fault {
    /// The element that says so.
    element: &'static str,
    kind: &'static str,
    message: String,
    text: String,
}

/// `JUnit` XML.
pub fn junit(outcome: &Outcome) -> String {
    in_memory(|xml| write(outcome, xml))
}

fn in_memory(write: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml).expect("memory can be written");
    String::from_utf8(xml.into_inner()).expect("written from strings") + "\n"
}

fn write(outcome: &Outcome, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let suites = suites(outcome);
    let count = |element: &str| {
        suites.values().flatten().filter(|test| test.is(element)).count().to_string()
    };
    let tests = suites.values().map(Vec::len).sum::<usize>().to_string();
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attribute(("name", format!("stepmark {}", outcome.command).as_str()))
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", count("failure").as_str()))
        .with_attribute(("errors", count("error").as_str()))
        .write_inner_content(|xml| {
            suites.iter().try_for_each(|(name, tests)| suite(name, tests, &outcome.started, xml))
        })?;
    Ok(())
}

fn suite(
    name: &str,
    tests: &[Test<'_>],
    started: &str,
    xml: &mut Writer<Vec<u8>>,
) -> io::Result<()> {
    let count = |element: &str| tests.iter().filter(|test| test.is(element)).count().to_string();
    xml.create_element("testsuite")
        .with_attribute(("name", legal(name).as_str()))
        .with_attribute(("tests", tests.len().to_string().as_str()))
        .with_attribute(("failures", count("failure").as_str()))
        .with_attribute(("errors", count("error").as_str()))
        .with_attribute(("skipped", count("skipped").as_str()))
        .with_attribute(("timestamp", started))
        .write_inner_content(|xml| tests.iter().try_for_each(|test| test.write(name, xml)))?;
    Ok(())
}

impl Test<'_> {
    fn is(&self, element: &str) -> bool {
        self.result.as_ref().is_err_and(|fault| fault.element == element)
    }

    fn write(&self, suite: &str, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let (name, suite) = (legal(self.name), legal(suite));
        let test = xml
            .create_element("testcase")
            .with_attribute(("classname", suite.as_str()))
            .with_attribute(("name", name.as_str()));
        if self.result.is_ok() && self.notes.is_empty() {
            test.write_empty()?;
            return Ok(());
        }
        test.write_inner_content(|xml| {
            if let Err(fault) = &self.result {
                let (message, text) = (legal(&fault.message), legal(&fault.text));
                xml.create_element(fault.element)
                    .with_attribute(("type", fault.kind))
                    .with_attribute(("message", message.as_str()))
                    .write_text_content(BytesText::new(&text))?;
            }
            if !self.notes.is_empty() {
                let notes = legal(&self.notes.join("\n"));
                xml.create_element("system-out").write_text_content(BytesText::new(&notes))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// The tests of each suite, by its name.
fn suites(outcome: &Outcome) -> BTreeMap<&str, Vec<Test<'_>>> {
    let mut about: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in outcome.worst_first() {
        about.entry(&finding.about).or_default().push(finding);
    }
    let (compared, advisory) = (outcome.compared(), outcome.advisory());
    let mut suites: BTreeMap<&str, Vec<Test<'_>>> = BTreeMap::new();
    for id in &outcome.selected {
        let found = about.remove(id.as_str()).unwrap_or_default();
        let left_out = match advisory.as_deref() {
            _ if !compared.contains(id.as_str()) => Some("checked, but nothing was compared"),
            advisory => advisory,
        };
        let (suite, name) = id.split_once('/').unwrap_or((outcome.command, id));
        suites.entry(suite).or_default().push(test(name, &found, left_out));
    }
    for (name, found) in about {
        suites.entry(outcome.command).or_default().push(test(name, &found, None));
    }
    suites
}

/// A test with these findings, the worst first; `left_out` says why it is not passed without any.
fn test<'a>(name: &'a str, found: &[&Finding], left_out: Option<&str>) -> Test<'a> {
    let line = |found: &&&Finding| found.to_string();
    let (notes, faults): (Vec<_>, Vec<_>) =
        found.iter().partition(|found| found.exit == Exit::Pass);
    let notes = notes.iter().map(line).collect();
    let result = match (faults.first(), left_out) {
        (Some(worst), _) => Err(Fault {
            element: match worst.exit {
                Exit::Regression | Exit::Wrong | Exit::Unclear => "failure",
                Exit::Failure | Exit::Usage | Exit::Incomparable | Exit::Pass => "error",
            },
            kind: worst.kind(),
            message: worst.what.clone(),
            text: faults.iter().map(line).collect::<Vec<_>>().join("\n"),
        }),
        (None, Some(why)) => Err(Fault {
            element: "skipped",
            kind: "not compared",
            message: why.to_owned(),
            text: String::new(),
        }),
        (None, None) => Ok(()),
    };
    Test { name, result, notes }
}

/// The text with what XML 1.0 cannot hold replaced.
fn legal(text: &str) -> String {
    let is_legal = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}',
    };
    text.chars().map(|c| if is_legal(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::super::samples;
    use super::*;

    /// What an element may hold: its attributes, the required ones in capitals, and its children.
    /// These are facts of `junit-10.xsd`, as far as we write such elements.
    const RULES: [(&str, &str, &str); 7] = [
        ("testsuites", "name time tests failures errors", "testsuite"),
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
            ids.retain(|id| !id.starts_with(outcome.command));
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
