//! An outcome as JSON, for any program that wants more than the exit code.
//!
//! `src/report/gate.schema.json` describes it and says what may change within a version.

use serde::Serialize;

use super::text;
use crate::gate::{Duet, Outcome, Question, State};
use crate::record::Row;

/// The version of this format.
pub const SCHEMA: u32 = 3;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    stepmark: &'a str,
    command: &'a str,
    started: &'a str,
    commit: Option<&'a str>,
    dirty: bool,
    against: &'a str,
    strict: bool,
    verdict: String,
    exit: u8,
    decided_by: Vec<Question>,
    selected: &'a [String],
    compared: usize,
    questions: Vec<Answer<'a>>,
    findings: Vec<Finding<'a>>,
    counts: Vec<Counts<'a>>,
    wall: Walls<'a>,
    duet: Option<&'a Duet>,
}

#[derive(Serialize)]
struct Answer<'a> {
    name: Question,
    state: State,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct Finding<'a> {
    question: Question,
    kind: String,
    about: &'a str,
    what: &'a str,
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Counts<'a> {
    id: &'a str,
    implementation: &'a str,
    old: Count,
    new: Count,
}

#[derive(Serialize)]
struct Count {
    instructions: u64,
    d1_misses: u64,
    ll_misses: u64,
    heap_blocks: u64,
    heap_bytes: u64,
}

#[derive(Serialize)]
struct Walls<'a> {
    cases: Vec<WallTimes<'a>>,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct WallTimes<'a> {
    id: &'a str,
    implementation: &'a str,
    ratio: f64,
    overlap: bool,
    same: bool,
    old: Quantiles,
    new: Quantiles,
}

#[derive(Serialize)]
struct Quantiles {
    p05_ns: f64,
    p25_ns: f64,
    median_ns: f64,
    p75_ns: f64,
    p95_ns: f64,
    samples: u64,
}

/// All that was found.
pub fn json(outcome: &Outcome) -> String {
    let findings = outcome.findings().iter().map(|found| Finding {
        question: found.question,
        kind: kebab(found.kind()),
        about: &found.about,
        what: &found.what,
        next: found.next.as_deref(),
    });
    let counts = outcome.counts.iter().map(|matched| Counts {
        id: &matched.new.id,
        implementation: &matched.new.implementation,
        old: count(&matched.old),
        new: count(&matched.new),
    });
    let answers = outcome.answers().iter().map(|answer| Answer {
        name: answer.question,
        state: answer.state,
        why: answer.why.as_deref(),
    });
    let head = &outcome.head;
    let document = Document {
        schema: SCHEMA,
        stepmark: &head.harness,
        command: head.command,
        started: &head.started,
        commit: head.commit.as_deref(),
        dirty: head.dirty,
        against: &head.against,
        strict: head.strict,
        verdict: kebab(outcome.verdict()),
        exit: outcome.exit().code(),
        decided_by: outcome.decided(),
        selected: &outcome.selected,
        compared: outcome.compared().len(),
        questions: answers.collect(),
        findings: findings.collect(),
        counts: counts.collect(),
        wall: walls(outcome),
        duet: outcome.duet.as_ref(),
    };
    text(&document)
}

fn kebab(name: &str) -> String {
    name.replace(' ', "-")
}

fn count(row: &Row) -> Count {
    Count {
        instructions: row.count("instructions"),
        d1_misses: row.count("d1_misses"),
        ll_misses: row.count("ll_misses"),
        heap_blocks: row.count("heap_blocks"),
        heap_bytes: row.count("heap_bytes"),
    }
}

fn walls(outcome: &Outcome) -> Walls<'_> {
    let rows = match &outcome.walls {
        Ok(rows) => rows,
        Err(why) => return Walls { cases: Vec::new(), why: Some(why) },
    };
    let cases = rows.iter().zip(outcome.ratios()).map(|(matched, ratio)| WallTimes {
        id: &matched.new.id,
        implementation: &matched.new.implementation,
        ratio: ratio.ratio,
        overlap: ratio.overlap,
        same: ratio.same,
        old: quantiles(&matched.old),
        new: quantiles(&matched.new),
    });
    Walls { cases: cases.collect(), why: None }
}

fn quantiles(row: &Row) -> Quantiles {
    Quantiles {
        p05_ns: row.number("p05_ns"),
        p25_ns: row.number("p25_ns"),
        median_ns: row.number("median_ns"),
        p75_ns: row.number("p75_ns"),
        p95_ns: row.number("p95_ns"),
        samples: row.count("samples"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::super::samples;
    use super::*;

    fn document(outcome: &Outcome) -> Value {
        serde_json::from_str(&json(outcome)).unwrap()
    }

    /// The paths of all fields that `node` of the schema describes below `at`; each is required.
    fn described(schema: &Value, node: &Value, at: &str, into: &mut BTreeSet<String>) {
        if let Some(name) = node["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").unwrap();
            return described(schema, &schema["$defs"][name], at, into);
        }
        if !node["items"].is_null() {
            described(schema, &node["items"], &format!("{at}/*"), into);
        }
        for one in node["oneOf"].as_array().into_iter().flatten() {
            described(schema, one, at, into);
        }
        let Some(fields) = node["properties"].as_object() else { return };
        let required: BTreeSet<_> = node["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        assert_eq!(required, fields.keys().map(String::as_str).collect(), "required at `{at}`");
        assert_eq!(node["additionalProperties"], false, "no others at `{at}`");
        for (name, node) in fields {
            into.insert(format!("{at}/{name}"));
            described(schema, node, &format!("{at}/{name}"), into);
        }
    }

    /// The paths of all fields of objects in `value`.
    fn written(value: &Value, at: &str, into: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            into.insert(format!("{at}/{name}"));
            written(value, &format!("{at}/{name}"), into);
        }
        for value in value.as_array().into_iter().flatten() {
            written(value, &format!("{at}/*"), into);
        }
    }

    #[test]
    fn the_schema_describes_each_field_that_is_written_and_no_other() {
        let schema = serde_json::from_str(include_str!("../gate.schema.json")).unwrap();
        let (mut want, mut got) = (BTreeSet::new(), BTreeSet::new());
        described(&schema, &schema, "", &mut want);
        for outcome in samples::all() {
            written(&document(&outcome), "", &mut got);
        }
        assert!(got.len() > 60, "{} fields", got.len());
        assert_eq!(got, want, "the fields");
    }

    #[test]
    #[ignore = "prints them, one a line, for the validator of ci/schema.sh"]
    fn outcomes_of_every_kind() {
        // The name of the test stands before what it prints.
        println!();
        for outcome in samples::all() {
            println!("{}", document(&outcome));
        }
    }

    #[test]
    fn it_says_how_the_run_ended_and_by_which_question() {
        let said = |outcome: Outcome| {
            let document = document(&outcome);
            let code = |value: &Value| value.as_u64().unwrap();
            assert_eq!(code(&document["exit"]), u64::from(outcome.exit().code()), "exit");
            (document["verdict"].clone(), document["decided_by"].clone())
        };
        let all = json!(["comparable", "right", "hungrier"]);
        assert_eq!(said(samples::pass()), (json!("pass"), all), "pass");
        assert_eq!(said(samples::wrong()), (json!("wrong-result"), json!(["right"])), "wrong");
        assert_eq!(said(samples::strict()), (json!("unclear"), json!(["slower"])), "strict");
        assert_eq!(said(samples::advisory()).0, json!("advisory"), "advisory");
        let all = json!(["comparable", "right"]);
        assert_eq!(said(samples::informed()), (json!("advisory"), all), "informed");
    }

    #[test]
    fn it_holds_what_was_found() {
        let (same, slower) = (document(&samples::pass()), document(&samples::regression()));
        let counts = |instructions: u32| {
            json!({ "instructions": instructions, "d1_misses": 3, "ll_misses": 1,
                    "heap_blocks": 0, "heap_bytes": 0 })
        };
        let id = json!("lattice/encode/n1");
        for (pointer, value) in [
            ("/schema", json!(3)),
            ("/stepmark", json!("0.1.0")),
            ("/command", json!("gate")),
            ("/started", json!("2026-01-02T03:04:05.678Z")),
            ("/commit", json!("0123456789abcdef0123456789abcdef01234567")),
            ("/dirty", json!(false)),
            ("/against", json!("baselines")),
            ("/strict", json!(false)),
            ("/selected", json!([id, "lattice/encode/n2"])),
            ("/compared", json!(2)),
            ("/questions/1", json!({ "name": "right", "state": "ran", "why": null })),
            ("/questions/4/state", json!("not-run")),
            ("/questions/4/why", json!("not asked for")),
            ("/findings", json!([])),
            ("/counts/0/id", id.clone()),
            ("/counts/0/implementation", json!("scalar")),
            ("/counts/0/old", counts(1000)),
            ("/wall/cases/1/ratio", json!(3.0)),
            ("/wall/cases/1/overlap", json!(false)),
            ("/wall/cases/1/same", json!(false)),
            ("/wall/cases/1/old/median_ns", json!(100.0)),
            ("/wall/cases/1/new/median_ns", json!(300.0)),
            ("/wall/why", json!(null)),
            ("/duet", json!(null)),
        ] {
            assert_eq!(same.pointer(pointer), Some(&value), "{pointer} of {same:#}");
        }
        for (pointer, value) in [
            ("/verdict", json!("regression")),
            ("/exit", json!(3)),
            ("/counts/0/new", counts(1100)),
            ("/findings/0/question", json!("hungrier")),
            ("/findings/0/kind", json!("regression")),
            ("/findings/0/about", id),
            ("/findings/1/kind", json!("note")),
        ] {
            assert_eq!(slower.pointer(pointer), Some(&value), "{pointer} of {slower:#}");
        }
        let pairs = document(&samples::duet());
        for (pointer, value) in [
            ("/command", json!("duet")),
            ("/duet/against", json!("origin/main")),
            ("/duet/advisory", json!(null)),
            ("/duet/cases/0/id", json!("lattice/encode/n1")),
            ("/duet/cases/0/metric", json!("cpu-wait")),
            ("/duet/cases/0/new_waited_ns", json!(0.0)),
            ("/duet/cases/0/ratio", json!(1.05)),
            ("/duet/cases/0/change", json!("slower")),
            ("/duet/cases/3/change", json!("slower")),
            ("/duet/self_tests/0/timed/id", json!("lattice/encode/n1")),
            ("/duet/self_tests/0/one_sided", json!(0.0)),
            ("/duet/added", json!(["md/new/n1"])),
        ] {
            assert_eq!(pairs.pointer(pointer), Some(&value), "{pointer} of {pairs:#}");
        }
        let why = document(&samples::incomparable());
        assert_eq!(why["wall"], json!({ "cases": [], "why": "no such file" }), "{why:#}");
        assert_eq!(why["commit"], json!(null), "outside git");
    }
}
