//! RESULTS.md shows the baselines.

use std::fs;

use stepmark::cli::Exit;
use stepmark::record::{INSTRUCTIONS, WALL};
use stepmark::registry;

use crate::setup::bench::{Bench, path, set};
use crate::setup::walls::wall;

use super::{accept, commit, git, repository, walls};

/// A file such as `stepmark calibrate --json` writes.
const RATES: &str = r#"{
    "schema": 2, "harness": "0.1.0", "started": ["2026-01-02T03:04:05Z", "2026-01-02T04:05:06Z"],
    "load": [0.1, 0.2, 0.3], "commit": null, "dirty": false, "source": "0", "executable": "1",
    "environment": {}, "cases": ["a/b/c"], "rows": [{
        "change": "no change", "cases": "all", "suites": 20, "suites_slower": 1,
        "suites_slower_95": [0.001, 0.249], "verdicts": 420, "slower": 1,
        "slower_95": [0.0001, 0.013], "faster": 0, "unclear": 9, "same": 410,
        "pairs_median": 50.0, "pairs_max": 400
    }]
}"#;

#[test]
fn results_in_a_text_are_those_of_the_baselines_or_stale() {
    let bench = Bench::committed();
    let walls = walls(&bench);
    let text = bench.dir.path().join("RESULTS.md");
    let splice = |more: &str| {
        let (text, baselines) = (path(&text), path(&bench.baselines()));
        bench.run(&format!("report --splice {text} --baseline {baselines} {more}"))
    };
    let around = ["# Title\n\n<!-- md -->\n", "old\n", "<!-- /md -->\n\nEnd\n"];
    fs::write(&text, around.concat()).unwrap();
    splice("").expect(Exit::Incomparable, &["holds no wall times"]);
    bench.accepted(&WALL, &walls);

    let stale = format!("cargo run --release -- report --splice {}", text.display());
    splice("--check").expect(Exit::Incomparable, &["are not those of the baselines", &stale]);
    assert_eq!(fs::read_to_string(&text).unwrap(), around.concat(), "a check writes nothing");
    splice("--filter md/").expect(Exit::Pass, &["results of"]);
    let new = fs::read_to_string(&text).unwrap();
    assert!(new.starts_with(around[0]) && new.ends_with(around[2]), "{new}");
    splice("").expect(Exit::Pass, &[&format!("results of {} cases", walls.cases.len())]);
    splice("--check").expect(Exit::Pass, &[]);
    let new = fs::read_to_string(&text).unwrap();
    for (name, id) in [("lattice", bench.first()), ("test", "test/only-timed/n1")] {
        let section = format!("\n## {name}\n\n<!-- {name} -->\n\nMeasured 2026-01-02 on ");
        let row = format!("| `{id}` | scalar | 1.00 us | 900 ns - 1.10 us |");
        assert!(new.contains(&section) && new.contains(&row), "`{section}`, `{row}` in {new}");
    }

    let summary = bench.dir.path().join("README.md");
    let rows = |id: &str| format!("# Title\n<!-- headline -->\n| `{id}` |\n<!-- /headline -->\n");
    let id = walls.cases.last().unwrap().id.clone();
    fs::write(&summary, rows(&id)).unwrap();
    let of = format!("report --splice {} --baseline {}", path(&summary), path(&bench.baselines()));
    bench.run(&of).expect(Exit::Pass, &["results of 1 case"]);
    let said = fs::read_to_string(&summary).unwrap();
    assert!(said.contains(&format!("| `{id}` | scalar | 1.00 us |")), "{said}");
    assert!(!said.contains("## "), "a summary gets no section: {said}");
    bench.run(&format!("{of} --check")).expect(Exit::Pass, &[]);
    fs::write(&summary, rows("no/such/case")).unwrap();
    bench.run(&of).expect(Exit::Incomparable, &["no baseline has a wall time of `no/such/case`"]);

    let folder = bench.baseline(&WALL, &walls, "x");
    let folder = folder.ancestors().nth(2).unwrap();
    fs::write(&text, new + "<!-- error rates -->\n").unwrap();
    splice("").expect(Exit::Incomparable, &["error-rates.json: No such file"]);
    fs::write(folder.join("error-rates.json"), "{}").unwrap();
    splice("")
        .expect(Exit::Failure, &["error-rates.json: missing field", "ci/calibrate.sh --json"]);
    let newer = RATES.replace("\"schema\": 2", "\"schema\": 3");
    fs::write(folder.join("error-rates.json"), newer).unwrap();
    splice("").expect(Exit::Incomparable, &["error-rates.json: schema 3, expected 2"]);
    fs::write(folder.join("error-rates.json"), RATES).unwrap();
    splice("").expect(Exit::Failure, &["RESULTS.md: 0 lines are `<!-- /error rates -->`"]);
    fs::write(&text, fs::read_to_string(&text).unwrap() + "<!-- /error rates -->\n").unwrap();
    splice("").expect(Exit::Pass, &[]);
    splice("--check").expect(Exit::Pass, &[]);
    let rates = fs::read_to_string(&text).unwrap();
    assert!(rates.contains("| no change | all | 20 | 5.0 | 0.1 - 24.9 | 420 |"), "{rates}");

    let slower = bench.record_of(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    bench.accepted(&INSTRUCTIONS, &slower);
    splice("--check").expect(Exit::Incomparable, &[&stale]);
    splice("").expect(Exit::Pass, &[]);
    let less = walls.with(walls.cases.iter().filter(|c| c.chapter() != "test").cloned().collect());
    bench.accepted(&WALL, &less);
    splice("").expect(Exit::Incomparable, &["a section of `test`", "remove the section"]);
}

#[test]
fn the_committed_results_are_those_of_the_baselines() {
    for text in ["baselines/RESULTS.md", "README.md"] {
        let check = format!("report --splice {text} --check");
        Bench::committed().run_with(registry::cases(), &check).expect(Exit::Pass, &[]);
    }
}

#[test]
fn a_text_without_a_place_for_results_or_a_choice_of_machines_is_an_error() {
    let bench = Bench::committed();
    let mut walls = walls(&bench);
    walls.cases.retain(|case| case.chapter() == "mvar");
    walls.write(&bench.baselines().join("one/wall/mvar.json")).unwrap();
    let text = bench.dir.path().join("RESULTS.md");
    let splice = |more: &str| {
        let (text, baselines) = (path(&text), path(&bench.baselines()));
        bench.run(&format!("report --splice {text} --baseline {baselines} {more}"))
    };
    splice("").expect(Exit::Failure, &["RESULTS.md: No such file"]);
    for (bad, message) in [
        ("# Title\n", "no place for results: put the lines `<!-- mvar -->` and"),
        ("<!-- mvar -->\n", "RESULTS.md: 0 lines are `<!-- /mvar -->`"),
        ("<!-- mvar -->\n<!-- mvar -->\n<!-- /mvar -->\n", "2 lines are `<!-- mvar -->"),
        ("<!-- /mvar -->\n<!-- mvar -->\n", "comes before"),
    ] {
        fs::write(&text, bad).unwrap();
        splice("").expect(Exit::Failure, &[message]);
        assert_eq!(fs::read_to_string(&text).unwrap(), bad, "untouched");
    }
    fs::write(&text, "# Title\n<!-- mvar -->\n<!-- /mvar -->\n").unwrap();
    walls.write(&bench.baselines().join("two/wall/mvar.json")).unwrap();
    splice("").expect(Exit::Incomparable, &["holds one, two", "--machine NAME"]);
    splice("--machine two").expect(Exit::Pass, &["results of"]);
    bench.run("report --check").expect(Exit::Usage, &["--splice"]);
}

/// Two people accept and splice another chapter each, and merge.
#[test]
fn branches_that_accept_different_chapters_merge_without_conflict() {
    let bench = Bench::committed();
    let walls = walls(&bench);
    let of = |chapter: &str, ns: f64| {
        let mut walls = walls.clone();
        let rows = walls.cases.iter_mut().filter(|row| row.chapter() == chapter);
        rows.for_each(|row| *row = wall(&row.id, ns, &row.origin));
        bench.accepted(&WALL, &walls);
        let counts = bench.record_of(|record| {
            let rows = record.cases.iter_mut().filter(|row| row.chapter() == chapter);
            rows.for_each(|row| set(row, "instructions", |n| n + 1));
        });
        bench.measured(|record| *record = counts);
    };
    let text = bench.dir.path().join("RESULTS.md");
    let accept = |chapter: &str| {
        accept(&bench, &format!("--reason {chapter} --filter {chapter}/")).expect(Exit::Pass, &[]);
        let (text, baselines) = (path(&text), path(&bench.baselines()));
        let splice = format!("report --splice {text} --baseline {baselines}");
        bench.run(&splice).expect(Exit::Pass, &[]);
        commit(&bench);
    };
    fs::write(&text, "# Results\n<!-- lattice -->\n<!-- /lattice -->\n").unwrap();
    repository(&bench);
    of("none", 1000.0);
    accept("lattice");
    let main = git(&bench, "branch --show-current");
    git(&bench, "checkout --quiet -b other");
    of("md", 500.0);
    accept("md");
    git(&bench, &format!("checkout --quiet {main}"));
    of("mvar", 2000.0);
    accept("mvar");
    git(&bench, "merge --quiet --no-edit other");
    let merged = fs::read_to_string(&text).unwrap();
    assert!(merged.contains(" 500 ns |") && merged.contains(" 2.00 us |"), "{merged}");
    let (text, baselines) = (path(&text), path(&bench.baselines()));
    let check = format!("report --splice {text} --baseline {baselines} --check");
    bench.run(&check).expect(Exit::Pass, &[]);
}
