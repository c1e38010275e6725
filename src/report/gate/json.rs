//! An outcome as JSON, for any program that wants more than the exit code.
//!
//! `src/report/gate.schema.json` describes it and says what may change within a version.

use serde::Serialize;

use super::text;
use crate::gate::{Change, Duet, Outcome, State, Tier};
use crate::record::Row;

/// The version of this format.
pub const SCHEMA: u32 = 1;

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
    decided_by: Vec<Tier>,
    selected: &'a [String],
    compared: usize,
    tiers: Vec<Stage<'a>>,
    findings: Vec<Finding<'a>>,
    counts: Vec<Counts<'a>>,
    wall: Walls<'a>,
    duet: Option<&'a Duet>,
}

#[derive(Serialize)]
struct Stage<'a> {
    tier: u8,
    name: Tier,
    state: State,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct Finding<'a> {
    tier: Tier,
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
    change: Change,
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
    let findings = outcome.findings.iter().map(|found| Finding {
        tier: found.tier,
        kind: kebab(found.kind()),
        about: &found.about,
        what: &found.what,
        next: found.next.as_deref(),
    });
    let counts = outcome.counts.iter().map(|pair| Counts {
        id: &pair.new.id,
        implementation: &pair.new.implementation,
        old: count(&pair.old),
        new: count(&pair.new),
    });
    let stages = outcome.stages.iter().map(|stage| Stage {
        tier: stage.tier.number(),
        name: stage.tier,
        state: stage.state,
        why: stage.why.as_deref(),
    });
    let document = Document {
        schema: SCHEMA,
        stepmark: &outcome.harness,
        command: outcome.command,
        started: &outcome.started,
        commit: outcome.commit.as_deref(),
        dirty: outcome.dirty,
        against: &outcome.against,
        strict: outcome.strict,
        verdict: kebab(outcome.verdict()),
        exit: outcome.exit().code(),
        decided_by: outcome.decided(),
        selected: &outcome.selected,
        compared: outcome.compared().len(),
        tiers: stages.collect(),
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
    let pairs = match &outcome.walls {
        Ok(pairs) => pairs,
        Err(why) => return Walls { cases: Vec::new(), why: Some(why) },
    };
    let cases = pairs.iter().zip(outcome.ratios()).map(|(pair, ratio)| WallTimes {
        id: &pair.new.id,
        implementation: &pair.new.implementation,
        ratio: ratio.ratio,
        overlap: ratio.overlap,
        change: ratio.change,
        old: quantiles(&pair.old),
        new: quantiles(&pair.new),
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
    use serde_json::{Value, json};

    use super::super::samples;
    use super::*;

    fn schema() -> jsonschema::Validator {
        let schema = serde_json::from_str(include_str!("../gate.schema.json")).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "the schema is one");
        jsonschema::validator_for(&schema).unwrap()
    }

    fn document(outcome: &Outcome) -> Value {
        serde_json::from_str(&json(outcome)).unwrap()
    }

    #[test]
    fn every_kind_of_outcome_is_valid() {
        let schema = schema();
        for outcome in samples::all() {
            let document = document(&outcome);
            let errors: Vec<String> = schema
                .iter_errors(&document)
                .map(|err| format!("{}: {err}", err.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{errors:#?} in {document:#}");
        }
    }

    #[test]
    fn it_says_how_the_run_ended_and_by_which_tier() {
        let said = |outcome: Outcome| {
            let document = document(&outcome);
            let code = |value: &Value| value.as_u64().unwrap();
            assert_eq!(code(&document["exit"]), u64::from(outcome.exit().code()), "exit");
            (document["verdict"].clone(), document["decided_by"].clone())
        };
        let all = json!(["comparable", "check", "instructions"]);
        assert_eq!(said(samples::pass()), (json!("pass"), all), "pass");
        assert_eq!(said(samples::wrong()), (json!("wrong-result"), json!(["check"])), "wrong");
        assert_eq!(said(samples::strict()), (json!("unclear"), json!(["paired"])), "strict");
        assert_eq!(said(samples::advisory()).0, json!("advisory"), "advisory");
        assert_eq!(said(samples::informed()), (json!("advisory"), json!(["check"])), "informed");
    }

    /// `change` at `pointer` of a valid document must make it invalid.
    #[track_caller]
    fn invalid(outcome: &Outcome, pointer: &str, change: Option<Value>) {
        let (mut document, schema) = (document(outcome), schema());
        assert!(schema.is_valid(&document), "valid at first");
        match change {
            Some(value) => *document.pointer_mut(pointer).unwrap() = value,
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                assert!(parent.remove(key).is_some(), "{pointer} is there");
            }
        }
        assert!(!schema.is_valid(&document), "{pointer}");
    }

    #[test]
    fn a_mutated_document_is_not_valid() {
        for (pointer, value) in [
            ("/schema", json!(2)),
            ("/stepmark", json!("")),
            ("/started", json!("yesterday")),
            ("/commit", json!("HEAD")),
            ("/exit", json!(2)),
            ("/exit", json!(3)),
            ("/verdict", json!("advisory")),
            ("/selected/0", json!(7)),
            ("/compared", json!(-1)),
            ("/compared", json!(0)),
            ("/tiers/0/state", json!("passed")),
            ("/tiers", json!([])),
            ("/findings", json!([{"kind": "note"}])),
            ("/counts/0/new/instructions", json!(0)),
            ("/counts/0/old", json!({"instructions": 1})),
            ("/wall/cases/0/ratio", json!(null)),
            ("/wall/cases/0/new/median_ns", json!("1")),
            ("/wall/why", json!("both cases and a reason")),
            ("/duet", json!({})),
        ] {
            invalid(&samples::pass(), pointer, Some(value));
        }
        let duet = samples::duet();
        for (pointer, value) in [
            ("/duet/cases/0/change", json!("slow")),
            ("/duet/cases/0/ratio", json!(0)),
            ("/duet/cases/0/slower_q", json!(1.5)),
            ("/duet/cases/0/metric", json!("cpu")),
            ("/duet/self_tests/0/one_sided", json!(1.1)),
            ("/findings/0/kind", json!("pass")),
        ] {
            invalid(&duet, pointer, Some(value));
        }
        for outcome in [samples::advisory(), samples::informed()] {
            invalid(&outcome, "/verdict", Some(json!("pass")));
        }
    }

    #[test]
    fn no_field_may_be_missing_and_none_is_unknown() {
        let document = document(&samples::duet());
        let mut pointers = Vec::new();
        fields(&document, String::new(), &mut pointers);
        assert!(pointers.len() > 100, "{} fields", pointers.len());
        for pointer in &pointers {
            invalid(&samples::duet(), pointer, None);
        }
        for object in
            pointers.iter().filter(|pointer| document.pointer(pointer).unwrap().is_object())
        {
            let mut value = document.pointer(object).unwrap().clone();
            value["unknown"] = json!(1);
            invalid(&samples::duet(), object, Some(value));
        }
    }

    /// The pointers of all fields of objects in `value`.
    fn fields(value: &Value, at: String, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    into.push(format!("{at}/{key}"));
                    fields(value, format!("{at}/{key}"), into);
                }
            }
            Value::Array(list) => {
                for (k, value) in list.iter().enumerate() {
                    fields(value, format!("{at}/{k}"), into);
                }
            }
            _ => {}
        }
    }
}
