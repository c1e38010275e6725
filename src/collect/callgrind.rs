//! Reads Callgrind's counts: the only module that knows iai-callgrind.
//!
//! Its summaries name benchmarks by position, so the id comes from the bench itself, which writes a
//! [`Warm`] under Valgrind; the summary's `details`, though cut short, must agree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Collected, Error, contradiction, row};
use crate::machine::Environment;
use crate::record::{INSTRUCTIONS, Row};
use crate::run::{self, Run, Warm};

/// The version of iai-callgrind, which must also be that of its runner.
pub const IAI_CALLGRIND: &str = "0.16.1";

/// The version of its summaries.
const SUMMARY: &str = "6";

#[derive(Deserialize)]
struct Summary {
    version: String,
    details: Option<String>,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    summaries: Parts,
}

#[derive(Deserialize)]
struct Parts {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    summary: Tool,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(rename = "Callgrind")]
    callgrind: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    metrics: Sides,
}

/// A fresh count stands on the left, one compared with an older run on both sides.
#[derive(Deserialize)]
enum Sides {
    Left(Count),
    Both(Count, IgnoredAny),
}

#[derive(Deserialize)]
enum Count {
    Int(u64),
    Float(#[expect(dead_code, reason = "rates follow from the counts")] f64),
}

/// The counts that the last runs left below the folder `iai`, of the cases that `selects` takes and of
/// the sources `source`; if those are unknown, of the newest run's.
///
/// # Errors
///
/// If there was no run, or a file of it is unusable or contradicts it.
pub fn collect(
    target: &Path,
    iai: &Path,
    source: Option<&str>,
    selects: &dyn Fn(&str) -> bool,
) -> Result<Collected, Error> {
    let name = INSTRUCTIONS.name;
    let mut collected = Collected::default();
    for chapter in super::chapters(target, &INSTRUCTIONS)? {
        let run = Run::read(target, name, &chapter)
            .map_err(|source| Error::File { path: run::folder(target, name, &chapter), source })?;
        let said = super::said(target, &INSTRUCTIONS, &chapter, |warm: &Warm| &warm.id)?;
        let said = said.into_iter().filter(|(_, warm)| selects(&warm.id));
        let said = said.map(|(path, warm)| (path, warm, run.clone())).collect();
        // Other sources may have put other cases at their positions since.
        let said = collected.current(said, |(_, warm, run)| (&warm.id, run), source);
        let mut environment = run.environment;
        let mut rows = Vec::new();
        for (path, warm, run) in said {
            rows.push(counted(&path, warm, iai, &run, &mut environment)?);
        }
        collected.add(&INSTRUCTIONS, environment, rows);
    }
    Ok(collected)
}

/// The counts of one case; the dispatch level must be that of the cases before.
fn counted(
    path: &Path,
    warm: Warm,
    iai: &Path,
    run: &Run,
    environment: &mut Environment,
) -> Result<Row, Error> {
    let seen = environment.entry("dispatch".to_owned()).or_insert(warm.dispatch.clone());
    require(path, &format!("dispatch level {}", warm.dispatch), &format!("dispatch level {seen}"))?;
    require(
        path,
        &format!("{} heap blocks in the control", warm.control_blocks),
        "1 heap blocks in the control",
    )?;
    let summary = summary(iai, &warm.package, warm.position);
    if !super::is_fresh(run, &summary)? {
        require(&summary, "an older file", &format!("one written since {}", run.started))?;
    }
    read_counts(&summary, warm, run)
}

/// Where iai-callgrind puts a summary: package, bench, group, function.
fn summary(iai: &Path, package: &str, position: usize) -> PathBuf {
    let group = iai.join(package).join("instructions/instructions");
    group.join(format!("step.case_{position}")).join("summary.json")
}

fn require(path: &Path, found: &str, expected: &str) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(contradiction(path, found.to_owned(), expected)) }
}

fn read_counts(path: &Path, warm: Warm, run: &Run) -> Result<Row, Error> {
    let summary: Summary = super::read_json(path)?;
    require(path, &format!("version {}", summary.version), &format!("version {SUMMARY}"))?;
    let details = summary.details.clone().unwrap_or_default();
    if !names(&details, &warm.id) {
        require(path, &format!("`{details}`"), &format!("`{}`", warm.id))?;
    }
    counts(&summary, warm, run).ok_or_else(|| {
        let found = "a missing or zero count".to_owned();
        contradiction(path, found, "Ir, D1mr, D1mw, ILmr, DLmr and DLmw")
    })
}

fn counts(summary: &Summary, warm: Warm, run: &Run) -> Option<Row> {
    let [profile] = &summary.profiles[..] else { return None };
    let counts = &profile.summaries.total.summary.callgrind;
    let sum = |names: &[&str]| {
        let counts = names.iter().map(|name| match &counts.get(*name)?.metrics {
            Sides::Left(Count::Int(n)) | Sides::Both(Count::Int(n), _) => Some(*n),
            _ => None,
        });
        counts.sum::<Option<u64>>()
    };
    let metrics = [
        ("instructions", sum(&["Ir"])?.into()),
        ("d1_misses", sum(&["D1mr", "D1mw"])?.into()),
        ("ll_misses", sum(&["ILmr", "DLmr", "DLmw"])?.into()),
        ("heap_blocks", warm.heap_blocks.into()),
        ("heap_bytes", warm.heap_bytes.into()),
    ];
    let row = row(warm.id, warm.implementation, run, metrics);
    row.flaw(&INSTRUCTIONS).is_none().then_some(row)
}

/// Whether `details`, which holds the id as a literal, wrapped and perhaps cut, fits the id.
fn names(details: &str, id: &str) -> bool {
    let Some((_, literal)) = details.split_once("from(\"") else { return false };
    let literal: String = literal.split_whitespace().collect();
    match literal.split_once('"') {
        Some((whole, _)) => whole == id,
        None => literal.strip_suffix("...").is_some_and(|start| id.starts_with(start)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::machine;
    use crate::run::Digests;

    const IDS: [&str; 2] = ["a/b/n1", "a/b/n2"];
    const PACKAGE: &str = "kernels";

    /// A target folder as a bench run leaves it; what is measured is 100 x position + 7.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            let mut environment = machine::instructions(IAI_CALLGRIND);
            environment.insert("valgrind".to_owned(), "valgrind-3.19.0".to_owned());
            let mut run = Run::begin("now".to_owned(), environment);
            run.started = "2026-01-02T03:04:05Z".to_owned();
            run.open(folder.0.path(), "instructions", "a", &Digests::new()).unwrap();
            for (position, id) in IDS.iter().enumerate() {
                folder.write(position, id, id, 1);
            }
            folder
        }

        fn warm(&self, file: &str) -> PathBuf {
            run::folder(self.0.path(), "instructions", "a").join(file)
        }

        fn write(&self, position: usize, id: &str, details: &str, control_blocks: u64) {
            let warm = Warm {
                id: id.to_owned(),
                position,
                package: PACKAGE.to_owned(),
                implementation: "scalar".to_owned(),
                dispatch: "avx2".to_owned(),
                heap_blocks: 0,
                heap_bytes: 0,
                control_blocks,
            };
            run::write(self.0.path(), "instructions", id, &warm).unwrap();
            let path = summary(self.0.path(), PACKAGE, position);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let ir = if details == "a/none/n1" { 0 } else { 100 * position + 7 };
            let text = format!(
                r#"{{"version":"6","details":"warm(String ::\nfrom(\"{details}\"))","profiles":[{{"summaries":
                {{"total":{{"summary":{{"Callgrind":{{"Ir":{{"metrics":{{"Both":[{{"Int":{ir}}},
                {{"Int":1}}]}}}},{}}}}}}}}}}}]}}"#,
                ["D1mr", "D1mw", "ILmr", "DLmr", "DLmw"]
                    .map(|name| format!(r#""{name}":{{"metrics":{{"Left":{{"Int":3}}}}}}"#))
                    .join(",")
            );
            fs::write(path, text).unwrap();
        }

        fn collect(&self) -> Result<Collected, Error> {
            collect(self.0.path(), self.0.path(), Some("now"), &|_| true)
        }
    }

    #[test]
    fn counts_are_read_by_position_and_the_newer_of_two() {
        let record = &Folder::new().collect().unwrap().records["a"];
        let got: Vec<_> = record.cases.iter().map(|c| (&*c.id, c.count("instructions"))).collect();
        assert_eq!(got, [("a/b/n1", 7), ("a/b/n2", 107)], "counts");
        let sums = ["d1_misses", "ll_misses"].map(|name| record.cases[0].count(name));
        assert_eq!(sums, [6, 9], "sums");
        assert_eq!(record.environment["dispatch"], "avx2", "as seen under Valgrind");
    }

    #[test]
    fn a_position_that_holds_another_id_is_refused() {
        let folder = Folder::new();
        folder.write(1, "a/b/n2", "a/b/n1", 1);
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("expected `a/b/n2`") && err.contains("again"), "{err}");
    }

    #[test]
    fn counts_of_other_sources_are_named_though_others_took_their_positions() {
        let folder = Folder::new();
        folder.write(0, "c/d/n1", "c/d/n1", 1);
        fs::remove_dir_all(folder.warm("../c")).unwrap();
        let found = collect(folder.0.path(), folder.0.path(), Some("later"), &|_| true).unwrap();
        assert!(found.records.is_empty(), "{found:?}");
        let dropped: Vec<_> = found.dropped.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(dropped, IDS, "each");
    }

    #[test]
    fn every_place_names_the_same_version() {
        let (cargo, install) =
            (include_str!("../../Cargo.toml"), include_str!("../../ci/install.sh"));
        assert!(
            cargo.contains(&format!("iai-callgrind = {{ version = \"={IAI_CALLGRIND}\"")),
            "Cargo.toml"
        );
        assert!(install.contains(&format!("version={IAI_CALLGRIND}\n")), "ci/install.sh");
    }

    #[test]
    fn a_copied_note_is_refused_by_name() {
        let folder = Folder::new();
        fs::copy(folder.warm("b/n1.json"), folder.warm("b/n1 (copy).json")).unwrap();
        let err = folder.collect().unwrap_err().to_string();
        let words =
            ["n1.json: a note of a/b/n1, as in", "n1 (copy).json, expected one for each case"];
        assert!(words.iter().all(|word| err.contains(word)), "{err}");
    }

    #[test]
    fn two_dispatch_levels_in_one_run_are_refused() {
        let folder = Folder::new();
        let path = folder.warm("b/n2.json");
        let text = fs::read_to_string(&path).unwrap().replace("avx2", "baseline");
        fs::write(&path, text).unwrap();
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("dispatch level baseline, expected dispatch level avx2"), "{err}");
    }

    #[test]
    fn a_heap_counter_that_is_blind_is_refused() {
        let folder = Folder::new();
        folder.write(0, "a/b/n1", "a/b/n1", 0);
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("0 heap blocks in the control, expected 1"), "{err}");
    }

    #[test]
    fn a_count_of_nothing_and_a_summary_of_another_version_are_refused() {
        let folder = Folder::new();
        folder.write(1, "a/none/n1", "a/none/n1", 1);
        fs::remove_file(folder.warm("b/n2.json")).unwrap();
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("a missing or zero count, expected Ir, ") && err.contains("again"));
        let folder = Folder::new();
        let path = summary(folder.0.path(), PACKAGE, 1);
        let text =
            fs::read_to_string(&path).unwrap().replace(r#""version":"6""#, r#""version":"7""#);
        fs::write(&path, text).unwrap();
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("version 7, expected version 6"), "{err}");
    }

    #[test]
    fn a_summary_of_another_run_is_refused() {
        let folder = Folder::new();
        let mut run = Run::read(folder.0.path(), "instructions", "a").unwrap();
        run.started = "2999-01-01T00:00:00Z".to_owned();
        fs::write(folder.warm("run.json"), serde_json::to_string(&run).unwrap()).unwrap();
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("an older file"), "{err}");
    }

    #[test]
    fn details_may_be_wrapped_and_cut_but_not_wrong() {
        let id = "md/forces-sw-si/n512";
        assert!(names("warm(String :: from(\"md/forces-sw-si/n512\"))", id), "whole");
        assert!(names("warm(String ::\nfrom(\"md/for\nces-s...", id), "wrapped and cut");
        for wrong in ["", "...", "from(\"md/forces-sw-si/n51\")", "from(\"mvar/...", "from(\"md/"] {
            assert!(!names(wrong, id), "{wrong}");
        }
    }
}
