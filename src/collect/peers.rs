//! Reads what `ci/peers.sh` left: rounds of our wall bench and of the runners in `benches/peers/`.
//!
//! A round is a folder with `wall.json`, our record, and one `<runner>.jsonl` per peer, in the
//! protocol that `benches/peers/README.md` states. Every round must hold the same measurements.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use super::criterion::MIN_SAMPLES;
use crate::case::Case;
use crate::record::{Measure as _, Peer, Record, Wall};
use crate::run;

/// The command whose results are read here.
pub const COMMAND: &str = "ci/peers.sh";

/// What a runner prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    case: String,
    peer: String,
    version: String,
    units: u64,
    median_ns: f64,
    samples: usize,
    threads: u64,
    mse: f64,
    flagged: f64,
}

/// The comparison that the last run of the peers made, for those of its cases that are `cases`.
///
/// # Errors
///
/// If there was no run, a file of it is unusable, the rounds differ in what they measured or with
/// what, or a peer measured what we did not.
pub fn collect(target: &Path, cases: &[Case]) -> Result<Record<Peer>, Error> {
    let dir = run::folder(target, Peer::INSTRUMENT);
    let rounds = entries(&dir);
    let mut found = BTreeMap::new();
    let mut first: Option<Record<Wall>> = None;
    for (index, round) in rounds.iter().enumerate() {
        let wall_path = round.join("wall.json");
        let wall = Record::<Wall>::read(&wall_path)?;
        for path in entries(round).iter().filter(|path| path.extension() == Some("jsonl".as_ref()))
        {
            add(path, &wall, cases, &mut found)?;
        }
        for peer in found.values() {
            if peer.theirs_ns.len() != index + 1 {
                let times = peer.theirs_ns.len();
                let found = format!("{} measured {times} times in {} rounds", peer.id, index + 1);
                return Err(contradiction(round, found, "each measurement once in each round"));
            }
        }
        let first = first.get_or_insert_with(|| wall.clone());
        if (&first.executable, &first.environment) != (&wall.executable, &wall.environment) {
            let found = "another executable or machine".to_owned();
            return Err(contradiction(&wall_path, found, "that of the first round"));
        }
    }
    let Some(first) = first.filter(|_| !found.is_empty()) else {
        return Err(Error::NoRun { instrument: Peer::INSTRUMENT, dir, command: COMMAND });
    };
    Ok(first.beside(first.environment.clone(), found.into_values().collect()))
}

/// Adds what one runner printed in one round.
fn add(
    path: &Path,
    wall: &Record<Wall>,
    cases: &[Case],
    found: &mut BTreeMap<String, Peer>,
) -> Result<(), Error> {
    let text =
        fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let ours = wall.by_id();
    for (number, text) in text.lines().enumerate() {
        let wrong = |what: String, expected: &str| {
            contradiction(path, format!("line {}: {what}", number + 1), expected)
        };
        let line: Line = serde_json::from_str(text)
            .map_err(|err| wrong(err.to_string(), "what benches/peers/README.md says"))?;
        let case = cases.iter().find(|case| case.id == line.case);
        let (Some(case), Some(ours)) = (case, ours.get(line.case.as_str())) else {
            return Err(wrong(line.case, "a case that our bench measured in the same round"));
        };
        if line.threads != 1 || line.samples < MIN_SAMPLES || line.units == 0 {
            let Line { threads, samples, units, .. } = line;
            let what = format!("{threads} threads, {samples} samples, {units} units");
            return Err(wrong(what, &format!("1 thread, {MIN_SAMPLES} samples, 1 unit or more")));
        }
        let id = format!("{} {}", line.case, line.peer);
        let peer = found.entry(id.clone()).or_insert_with(|| Peer {
            id,
            implementation: ours.implementation.clone(),
            version: line.version.clone(),
            theirs_ns: Vec::new(),
            ours_ns: Vec::new(),
            mse: line.mse,
            flagged: line.flagged,
        });
        if (&peer.version, peer.mse, peer.flagged) != (&line.version, line.mse, line.flagged) {
            return Err(wrong(line.version, "the program and the errors of the first round"));
        }
        peer.theirs_ns.push(line.median_ns / line.units as f64);
        peer.ours_ns.push(ours.median_ns / case.work.units as f64);
        if !peer.is_plausible() {
            return Err(wrong(format!("{peer:?}"), "a peer without blanks, positive numbers"));
        }
    }
    Ok(())
}

/// What a folder holds, in order of name; nothing if there is no such folder.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn contradiction(path: &Path, found: String, expected: &str) -> Error {
    Error::Contradiction { path: path.to_owned(), found, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::right;
    use crate::machine;
    use crate::record::SCHEMA;

    const LINE: &str = r#"{"case":"a/b/n1","peer":"other","version":"other 1.0","units":4,"median_ns":80.0,"samples":30,"threads":1,"mse":0.5,"flagged":0.25}"#;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn round(&self, name: &str, ours_ns: f64, lines: &str) -> PathBuf {
            let dir = run::folder(self.0.path(), "peers").join(name);
            let case = Wall {
                id: "a/b/n1".to_owned(),
                implementation: "scalar".to_owned(),
                p05_ns: ours_ns,
                p25_ns: ours_ns,
                median_ns: ours_ns,
                p75_ns: ours_ns,
                p95_ns: ours_ns,
                samples: 60,
            };
            let wall = Record {
                schema: SCHEMA,
                instrument: "wall".to_owned(),
                harness: "0.1.0".to_owned(),
                started: "2026-01-02T03:04:05.678Z".to_owned(),
                commit: None,
                dirty: false,
                source: machine::SOURCE.to_owned(),
                executable: "1".to_owned(),
                reason: None,
                environment: machine::wall(),
                cases: vec![case],
            };
            wall.write(&dir.join("wall.json")).unwrap();
            fs::write(dir.join("other.jsonl"), lines).unwrap();
            dir
        }

        fn collect(&self) -> Result<Record<Peer>, Error> {
            collect(self.0.path(), &[right("a/b/n1"), right("a/b/n2")])
        }

        #[track_caller]
        fn refuses(&self, message: &str) {
            let err = self.collect().unwrap_err().to_string();
            assert!(err.contains(message), "`{message}` in {err}");
        }
    }

    #[test]
    fn rounds_become_times_per_unit() {
        let folder = Folder::new();
        folder.round("1", 7.0, LINE);
        folder.round("2", 5.0, &LINE.replace("80.0", "60.0"));
        let record = folder.collect().unwrap();
        let [peer] = &record.cases[..] else { panic!("{record:?}") };
        assert_eq!(peer.parts(), ("a/b/n1", "other"), "id");
        assert_eq!((&peer.theirs_ns[..], &peer.ours_ns[..]), (&[20.0, 15.0][..], &[7.0, 5.0][..]));
        assert_eq!((peer.version.as_str(), peer.mse, peer.flagged), ("other 1.0", 0.5, 0.25));
        let path = folder.0.path().join("peers.json");
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record, "round trip");
    }

    #[test]
    fn damaged_and_foreign_lines_are_refused_with_their_number() {
        for (bad, message) in [
            ("", "line 2: EOF"),
            ("{", "line 2: EOF"),
            ("\u{7f}", "line 2: expected value"),
            (&LINE.replace("\"threads\":1,", ""), "line 2: missing field `threads`"),
            (&LINE.replace("\"threads\"", "\"x\":0,\"threads\""), "line 2: unknown field `x`"),
            (&LINE.replace("\"threads\":1", "\"threads\":2"), "2 threads, 30 samples"),
            (&LINE.replace("\"samples\":30", "\"samples\":9"), "1 threads, 9 samples"),
            (&LINE.replace("\"units\":4", "\"units\":0"), "30 samples, 0 units"),
            (&LINE.replace("80.0", "NaN"), "line 2: expected"),
            (&LINE.replace("80.0", "0.0"), "positive numbers"),
            (&LINE.replace("\"other\"", "\"an other\""), "a peer without blanks"),
            (&LINE.replace("a/b/n1", "a/b/n2"), "line 2: a/b/n2, expected a case that our bench"),
            (&LINE.replace("other 1.0", "other 1.1"), "line 2: other 1.1, expected the program"),
            (LINE, "a/b/n1 other measured 2 times in 1 rounds"),
        ] {
            let folder = Folder::new();
            folder.round("1", 7.0, &format!("{LINE}\n{bad}\n"));
            folder.refuses(message);
        }
    }

    #[test]
    fn rounds_that_differ_are_refused() {
        let folder = Folder::new();
        folder.round("1", 7.0, LINE);
        let second = folder.round("2", 7.0, "");
        folder.refuses("a/b/n1 other measured 1 times in 2 rounds");
        folder.round("2", 7.0, LINE);
        let path = second.join("wall.json");
        let mut wall = Record::<Wall>::read(&path).unwrap();
        wall.executable = "2".to_owned();
        wall.write(&path).unwrap();
        folder.refuses("another executable");
        fs::remove_file(&path).unwrap();
        folder.refuses("wall.json: no such file");
    }

    #[test]
    fn no_run_asks_for_one() {
        let folder = Folder::new();
        folder.refuses("no run of `peers`");
        folder.round("1", 7.0, "");
        folder.refuses("run `ci/peers.sh` first");
    }
}
