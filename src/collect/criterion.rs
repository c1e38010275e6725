//! Reads Criterion's samples: the only module that knows where Criterion puts them.
//!
//! Criterion cuts and sanitises folder names, so ids come from `benchmark.json`. Its estimates
//! depend on the sampling mode, so quantiles come from the raw `sample.json`. It keeps the samples
//! of cases that no longer exist and of `--quick` runs, so both are told apart here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use crate::case::Case;
use crate::record::{Gpu, Measure, Record, Wall};
use crate::run::Run;
use crate::stats;

/// Below this, quantiles mean nothing.
pub const MIN_SAMPLES: usize = 10;

/// The command whose samples are read here.
pub const COMMAND: &str = "cargo bench --bench wall";

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// The command whose samples are those of a GPU.
pub const GPU_COMMAND: &str = "cargo bench --bench gpu";

/// The wall times of the last run, of those `cases` that it measured.
///
/// # Errors
///
/// If there was no run, a file of it is unusable, or a case has too few samples.
pub fn collect(target: &Path, criterion: &Path, cases: &[&Case]) -> Result<Record<Wall>, Error> {
    let implementations = cases.iter().map(|case| (case.id.as_str(), case.implementation));
    let (run, _) = super::last_run::<Wall>(target, COMMAND)?;
    times(&run, criterion, &implementations.collect())
}

/// The ids of every case that the last run on a GPU was built to measure.
///
/// # Errors
///
/// If there was no run, or its description is unusable.
pub fn gpu_ids(target: &Path) -> Result<Vec<String>, Error> {
    Ok(super::last_run::<Gpu>(target, GPU_COMMAND)?.0.ids)
}

/// The times of the last run on a GPU, of those cases it measured that `selects` takes.
///
/// # Errors
///
/// As [`collect()`].
pub fn collect_gpu(target: &Path, selects: &dyn Fn(&str) -> bool) -> Result<Record<Gpu>, Error> {
    let (run, dir) = super::last_run::<Gpu>(target, GPU_COMMAND)?;
    let ids = run.ids.iter().map(String::as_str).filter(|id| selects(id));
    let implementations = ids.map(|id| (id, "cuda"));
    times(&run, &dir.join("criterion"), &implementations.collect())
}

/// The samples below `criterion` that the run wrote, of cases with their implementations.
fn times<M: Measure + From<Wall>>(
    run: &Run,
    criterion: &Path,
    cases: &BTreeMap<&str, &str>,
) -> Result<Record<M>, Error> {
    let mut found = Vec::new();
    let mut samples = Vec::new();
    find_samples(criterion, &mut samples);
    for path in samples {
        if !super::is_fresh(run, &path)? {
            continue;
        }
        let benchmark: Benchmark = super::read_json(&path.with_file_name("benchmark.json"))?;
        if let Some(implementation) = cases.get(benchmark.full_id.as_str()) {
            found.push(wall(&benchmark.full_id, implementation, &path)?.into());
        }
    }
    Ok(super::record(run, run.environment.clone(), found))
}

fn wall(id: &str, implementation: &str, path: &Path) -> Result<Wall, Error> {
    let Sample { iters, times } = super::read_json(path)?;
    let contradiction = |found: String| Error::Contradiction {
        path: path.to_owned(),
        found,
        expected: "one positive iteration count and time per sample".to_owned(),
    };
    if iters.len() != times.len() {
        return Err(contradiction(format!("{} counts, {} times", iters.len(), times.len())));
    }
    if times.len() < MIN_SAMPLES {
        return Err(Error::TooFew { id: id.to_owned(), samples: times.len() });
    }
    let ns = stats::sorted(times.iter().zip(&iters).map(|(t, n)| t / n));
    let quantile = |p| stats::quantile(&ns, p);
    let wall = Wall {
        id: id.to_owned(),
        implementation: implementation.to_owned(),
        p05_ns: quantile(0.05),
        p25_ns: quantile(0.25),
        median_ns: quantile(0.5),
        p75_ns: quantile(0.75),
        p95_ns: quantile(0.95),
        samples: ns.len() as u64,
    };
    if wall.is_plausible() { Ok(wall) } else { Err(contradiction(format!("{wall:?}"))) }
}

/// Every `new/sample.json` below `dir`.
fn find_samples(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_samples(&path, into);
        } else if path.ends_with("new/sample.json") {
            into.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::right;
    use crate::machine;
    use crate::run::{self, Run};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with_run() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            let run = Run::begin(String::new(), machine::wall(), Vec::new()).unwrap();
            run.write(&run::folder(folder.0.path(), "wall")).unwrap();
            folder
        }

        fn sample(&self, folder: &str, id: &str, samples: usize) {
            let dir = self.0.path().join("criterion").join(folder).join("new");
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("benchmark.json"), format!(r#"{{"full_id":"{id}"}}"#)).unwrap();
            let times: Vec<f64> = (0..samples).map(|i| 200.0 + i as f64).collect();
            let text = format!(r#"{{"iters":{:?},"times":{times:?}}}"#, vec![2.0; samples]);
            fs::write(dir.join("sample.json"), text).unwrap();
        }

        fn collect(&self) -> Result<Record<Wall>, Error> {
            let cases = [right("a/b/n1"), right("a/b/n2")];
            let cases: Vec<_> = cases.iter().collect();
            collect(self.0.path(), &self.0.path().join("criterion"), &cases)
        }
    }

    #[test]
    fn ids_come_from_the_file_and_unknown_ones_are_left_out() {
        let folder = Folder::with_run();
        folder.sample("a/1-comes-first", "a/b/n2", 11);
        folder.sample("a/2-cut-name_", "a/b/n1", 11);
        folder.sample("gone", "a/gone/n1", 11);
        let record = folder.collect().unwrap();
        let ids: Vec<_> = record.cases.iter().map(Wall::id).collect();
        assert_eq!(ids, ["a/b/n1", "a/b/n2"], "sorted");
        let Wall { p05_ns, p25_ns, median_ns, p75_ns, p95_ns, samples, .. } = record.cases[0];
        // 100, 100.5, .., 105
        let quantiles = [p05_ns, p25_ns, median_ns, p75_ns, p95_ns];
        assert_eq!((quantiles, samples), ([100.25, 101.25, 102.5, 103.75, 104.75], 11), "by hand");
    }

    #[test]
    fn samples_of_another_run_are_left_out() {
        let folder = Folder::with_run();
        folder.sample("x", "a/b/n1", 11);
        let dir = run::folder(folder.0.path(), "wall");
        let run = Run { started: "2999-01-01T00:00:00Z".to_owned(), ..Run::read(&dir).unwrap() };
        run.write(&dir).unwrap();
        assert!(folder.collect().unwrap().cases.is_empty(), "older than the run");
    }

    #[test]
    fn times_of_a_gpu_lie_in_the_folder_of_its_run() {
        let folder = Folder::with_run();
        let dir = run::folder(folder.0.path(), "gpu");
        let ids = ["a/b/n1", "a/b/n2"].map(str::to_owned).into();
        Run::begin(String::new(), machine::wall(), ids).unwrap().write(&dir).unwrap();
        folder.sample("x", "a/b/n1", 11);
        fs::rename(folder.0.path().join("criterion"), dir.join("criterion")).unwrap();
        assert_eq!(gpu_ids(folder.0.path()).unwrap(), ["a/b/n1", "a/b/n2"], "of the run");
        let record = collect_gpu(folder.0.path(), &|id| id.ends_with("n1")).unwrap();
        assert_eq!((record.cases.len(), record.cases[0].implementation()), (1, "cuda"), "one");
        let record = collect_gpu(folder.0.path(), &|id| id.ends_with("n2")).unwrap();
        assert!(record.cases.is_empty(), "not selected");
        assert!(folder.collect().unwrap().cases.is_empty(), "none is a wall time");
    }

    #[test]
    fn a_quick_run_is_refused() {
        let folder = Folder::with_run();
        folder.sample("x", "a/b/n1", MIN_SAMPLES - 1);
        let err = folder.collect().unwrap_err().to_string();
        assert!(err.contains("a/b/n1: 9 samples") && err.contains("--quick"), "{err}");
    }

    #[test]
    fn no_run_and_damaged_samples_are_errors() {
        let empty = Folder(tempfile::tempdir().unwrap());
        let err = empty.collect().unwrap_err().to_string();
        assert!(err.contains(COMMAND), "{err}");
        let folder = Folder::with_run();
        folder.sample("x", "a/b/n1", 20);
        let path = folder.0.path().join("criterion/x/new/sample.json");
        let uneven = format!(r#"{{"iters":[],"times":{:?}}}"#, [1.0; 11]);
        let zero = format!(r#"{{"iters":{0:?},"times":{0:?}}}"#, [0.0; 11]);
        for bad in ["", "{", &uneven, &zero] {
            fs::write(&path, bad).unwrap();
            let err = folder.collect().unwrap_err().to_string();
            assert!(err.contains("sample.json") && err.contains("again"), "{err}");
        }
    }
}
