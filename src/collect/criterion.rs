//! Reads Criterion's samples: the only module that knows where Criterion puts them.
//!
//! Criterion cuts and sanitises folder names, so ids come from `benchmark.json`. Its estimates
//! depend on the sampling mode, so quantiles come from the raw `sample.json`. It keeps the samples
//! of cases that no longer exist and of `--quick` runs, so both are told apart here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Collected, Error, contradiction, row};
use crate::record::{Instrument, Row};
use crate::run::Note;
use crate::stats::{Method, Samples};

/// Below this, quantiles mean nothing.
pub const MIN_SAMPLES: usize = 10;

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// The times that runs of the instrument left below the folder `criterion`, of the cases that
/// `selects` takes and of the sources `source`; if those are unknown, of the newest run's.
///
/// # Errors
///
/// If there was no run, or a file of it is unusable.
pub fn collect(
    instrument: &'static Instrument,
    target: &Path,
    criterion: &Path,
    source: Option<&str>,
    selects: &dyn Fn(&str) -> bool,
) -> Result<Collected, Error> {
    let chapters = super::chapters(target, instrument)?;
    let samples = samples(criterion)?;
    let mut collected = Collected::default();
    for chapter in chapters {
        let notes = super::said(target, instrument, &chapter, |note: &Note| &note.id)?;
        let notes = notes.into_iter().map(|(_, note)| note).filter(|note| selects(&note.id));
        let notes = collected.current(notes.collect(), |note| (&note.id, &note.run), source);
        let Some(environment) = notes.first().map(|note| note.run.environment.clone()) else {
            continue;
        };
        let mut rows = Vec::new();
        for note in notes {
            let id = note.id.clone();
            let paths = samples.get(&id).map_or(&[][..], Vec::as_slice);
            match times(instrument, note, paths)? {
                Ok(row) => rows.push(row),
                Err(why) => collected.dropped.push((id, why)),
            }
        }
        collected.add(instrument, environment, rows);
    }
    Ok(collected)
}

/// The quantiles of a case, or why its samples are none of the run or too few.
fn times(
    instrument: &Instrument,
    note: Note,
    paths: &[PathBuf],
) -> Result<Result<Row, String>, Error> {
    let mut fresh = Vec::new();
    for path in paths {
        if super::is_fresh(&note.run, path)? {
            fresh.push(path);
        }
    }
    let path = match fresh[..] {
        [path] => path,
        [] if paths.is_empty() => return Ok(Err("its samples are gone".to_owned())),
        [] => return Ok(Err("its samples are of an older run".to_owned())),
        [first, second, ..] => {
            let found = format!("samples of {}, as in {}", note.id, first.display());
            let expected = "one folder for each case";
            return Err(contradiction(second, found, expected));
        }
    };
    let Sample { iters, times } = super::read_json(path)?;
    let wrong =
        |found: String| contradiction(path, found, "one positive count and time per sample");
    if iters.len() != times.len() {
        return Err(wrong(format!("{} counts, {} times", iters.len(), times.len())));
    }
    if times.len() < MIN_SAMPLES {
        let found = times.len();
        let why = format!("{found} samples, expected at least {MIN_SAMPLES}, without --quick");
        return Ok(Err(why));
    }
    let ns = Samples::new(times.iter().zip(&iters).map(|(t, n)| t / n));
    let quantile = |p| ns.quantile(p, Method::Linear).into();
    let metrics = [
        ("p05_ns", quantile(0.05)),
        ("p25_ns", quantile(0.25)),
        ("median_ns", quantile(0.5)),
        ("p75_ns", quantile(0.75)),
        ("p95_ns", quantile(0.95)),
        ("samples", (ns.len() as u64).into()),
    ];
    let row = row(note.id, note.implementation, &note.run, metrics);
    row.flaw(instrument).map_or(Ok(Ok(row)), |flaw| Err(wrong(flaw)))
}

/// The samples of each id below `dir`, in order of their folders.
fn samples(dir: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, Error> {
    let mut paths = Vec::new();
    find_samples(dir, &mut paths);
    paths.sort();
    let mut samples = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in paths {
        let benchmark: Benchmark = super::read_json(&path.with_file_name("benchmark.json"))?;
        samples.entry(benchmark.full_id).or_default().push(path);
    }
    Ok(samples)
}

/// Every `new/sample.json` below `dir`. Links are not followed, since they may lead in a circle.
fn find_samples(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_samples(&path, into);
        } else if path.ends_with("new/sample.json") {
            into.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine;
    use crate::record::{GPU, SCALING, WALL};
    use crate::run::{self, Run};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        /// Notes that a run of sources `source` timed a case.
        fn note(&self, instrument: &Instrument, id: &str, source: &str) {
            self.note_of(instrument, id, source, "2026-01-02T03:04:05Z");
        }

        fn note_of(&self, instrument: &Instrument, id: &str, source: &str, started: &str) {
            let run = Run::begin(source.to_owned(), machine::wall());
            let run = Run { started: started.to_owned(), ..run };
            let note = Note { id: id.to_owned(), implementation: "scalar".to_owned(), run };
            run::write(self.0.path(), instrument.name, id, &note).unwrap();
        }

        fn sample(&self, folder: &str, id: &str, samples: usize) {
            let dir = self.0.path().join("criterion").join(folder).join("new");
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("benchmark.json"), format!(r#"{{"full_id":"{id}"}}"#)).unwrap();
            let times: Vec<f64> = (0..samples).map(|i| 200.0 + i as f64).collect();
            let text = format!(r#"{{"iters":{:?},"times":{times:?}}}"#, vec![2.0; samples]);
            fs::write(dir.join("sample.json"), text).unwrap();
        }

        fn collect(&self, instrument: &'static Instrument) -> Result<Collected, Error> {
            let dir = self.0.path();
            collect(instrument, dir, &dir.join("criterion"), Some("now"), &|id| !id.contains("no"))
        }
    }

    fn ids(collected: &Collected) -> Vec<&str> {
        let rows = collected.records.values().flat_map(|record| &record.cases);
        rows.map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn ids_come_from_the_file_and_what_no_run_noted_is_left_out() {
        let folder = Folder::new();
        for id in ["a/b/n2", "a/b/n1", "c/d/n1", "a/no/n1"] {
            folder.note(&WALL, id, "now");
            folder.sample(&id.replace('/', "_"), id, 11);
        }
        folder.sample("gone", "a/gone/n1", 11);
        let found = folder.collect(&WALL).unwrap();
        assert_eq!(ids(&found), ["a/b/n1", "a/b/n2", "c/d/n1"], "sorted");
        assert!(found.dropped.is_empty(), "{:?}", found.dropped);
        assert_eq!(found.records.keys().collect::<Vec<_>>(), ["a", "c"], "by chapter");
        let row = &found.records["a"].cases[0];
        // 100, 100.5, .., 105
        let quantiles =
            ["p05_ns", "p25_ns", "median_ns", "p75_ns", "p95_ns"].map(|name| row.number(name));
        assert_eq!(quantiles, [100.25, 101.25, 102.5, 103.75, 104.75], "by hand");
        assert_eq!((row.count("samples"), &*row.origin.source), (11, "now"), "of the run");
    }

    #[test]
    fn what_is_of_other_sources_or_of_an_older_run_is_named() {
        let folder = Folder::new();
        for (id, source) in [("a/b/n1", "now"), ("a/b/n2", "before"), ("a/b/n3", "now")] {
            folder.note(&WALL, id, source);
            folder.sample(&id.replace('/', "_"), id, 11);
        }
        folder.note(&WALL, "a/b/n4", "now");
        folder.note_of(&WALL, "a/b/n3", "now", "2999-01-01T00:00:00Z");
        let found = folder.collect(&WALL).unwrap();
        assert_eq!(ids(&found), ["a/b/n1"], "of this source");
        let mut dropped: Vec<_> =
            found.dropped.iter().map(|(id, why)| format!("{id}: {why}")).collect();
        dropped.sort();
        let want = [
            "a/b/n2: it is of sources before, and these are now",
            "a/b/n3: its samples are of an older run",
            "a/b/n4: its samples are gone",
        ];
        assert_eq!(dropped, want, "each with its reason");
    }

    #[test]
    fn of_two_environments_the_newest_of_these_sources_counts() {
        let folder = Folder::new();
        for (id, libc, source, second) in
            [("a/b/n1", "old", "now", 1), ("a/b/n2", "new", "now", 2), ("a/b/n3", "", "other", 3)]
        {
            folder.sample(&id.replace('/', "_"), id, 11);
            let mut run = Run::begin(source.to_owned(), machine::wall());
            run.environment.insert("libc".to_owned(), libc.to_owned());
            run.started = format!("2026-01-02T03:04:0{second}Z");
            let note = Note { id: id.to_owned(), implementation: "scalar".to_owned(), run };
            run::write(folder.0.path(), "wall", id, &note).unwrap();
        }
        let found = folder.collect(&WALL).unwrap();
        assert_eq!(found.records["a"].environment["libc"], "new", "the header");
        assert_eq!((ids(&found), found.dropped.len()), (vec!["a/b/n2"], 2), "the others are named");
    }

    #[test]
    fn each_instrument_has_runs_of_its_own() {
        let folder = Folder::new();
        folder.note(&SCALING, "a/b/n1", "now");
        folder.sample("x", "a/b/n1", 11);
        for instrument in [&WALL, &GPU] {
            let err = folder.collect(instrument).unwrap_err().to_string();
            assert!(err.contains("no run of") && err.contains(instrument.command), "{err}");
        }
        let record = &folder.collect(&SCALING).unwrap().records["a"];
        assert_eq!((&*record.instrument, record.cases.len()), ("scaling", 1), "its own");
    }

    #[test]
    fn what_a_quick_run_left_is_named_and_no_other_case_suffers() {
        let folder = Folder::new();
        for (id, samples) in [("a/b/n1", MIN_SAMPLES - 1), ("a/b/n2", MIN_SAMPLES)] {
            folder.note(&WALL, id, "now");
            folder.sample(&id.replace('/', "_"), id, samples);
        }
        let found = folder.collect(&WALL).unwrap();
        assert_eq!(ids(&found), ["a/b/n2"], "enough");
        let why = "9 samples, expected at least 10, without --quick".to_owned();
        assert_eq!(found.dropped, [("a/b/n1".to_owned(), why)], "too few");
    }

    #[test]
    fn a_copied_folder_is_refused_and_an_old_one_beside_it_is_not() {
        let folder = Folder::new();
        folder.note(&WALL, "a/b/n1", "now");
        folder.sample("a_b", "a/b/n1", 11);
        folder.sample("a_b_copy", "a/b/n1", 11);
        let err = folder.collect(&WALL).unwrap_err().to_string();
        let words =
            ["a_b_copy/new/sample.json: samples of a/b/n1, as in", "one folder for each case"];
        assert!(words.iter().all(|w| err.contains(w)), "{err}");
        let old = folder.0.path().join("criterion/a_b_copy/new/sample.json");
        let old = fs::File::options().write(true).open(old).unwrap();
        old.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(ids(&folder.collect(&WALL).unwrap()), ["a/b/n1"], "left by an earlier bench");
    }

    #[test]
    fn a_copied_note_is_refused_by_name() {
        let folder = Folder::new();
        folder.note(&WALL, "a/b/n1", "now");
        folder.sample("a_b", "a/b/n1", 11);
        let note = run::folder(folder.0.path(), "wall", "a").join("b/n1.json");
        for copy in ["b/n1 (copy).json", "b2/n1.json"] {
            let copy = note.parent().unwrap().with_file_name(copy);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(&note, &copy).unwrap();
            let err = folder.collect(&WALL).unwrap_err().to_string();
            assert!(err.contains(": a note of a/b/n1, as in") && err.contains("one for each case"));
            fs::remove_file(&copy).unwrap();
        }
        assert_eq!(ids(&folder.collect(&WALL).unwrap()), ["a/b/n1"], "without copies");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_a_circle_give_each_case_once() {
        let folder = Folder::new();
        folder.note(&WALL, "a/b/n1", "now");
        folder.sample("a_b", "a/b/n1", 11);
        let criterion = folder.0.path().join("criterion");
        std::os::unix::fs::symlink(&criterion, criterion.join("a_b/loop")).unwrap();
        assert_eq!(ids(&folder.collect(&WALL).unwrap()), ["a/b/n1"], "once");
    }

    #[test]
    fn damaged_samples_are_errors() {
        let folder = Folder::new();
        folder.note(&WALL, "a/b/n1", "now");
        folder.sample("x", "a/b/n1", 20);
        let path = folder.0.path().join("criterion/x/new/sample.json");
        let uneven = format!(r#"{{"iters":[],"times":{:?}}}"#, [1.0; 11]);
        let zero = format!(r#"{{"iters":{0:?},"times":{0:?}}}"#, [0.0; 11]);
        for bad in ["", "{", &uneven, &zero] {
            fs::write(&path, bad).unwrap();
            let err = folder.collect(&WALL).unwrap_err().to_string();
            assert!(err.contains("sample.json") && err.contains("again"), "{err}");
        }
        fs::write(run::folder(folder.0.path(), "wall", "a/b/n1.json"), "{}").unwrap();
        let err = folder.collect(&WALL).unwrap_err().to_string();
        assert!(err.contains("n1.json: run the bench again"), "{err}");
    }
}
