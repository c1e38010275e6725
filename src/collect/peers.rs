//! Reads what `ci/peers.sh` left: rounds of our wall bench and of the runners in `benches/peers/`.
//!
//! A round is a folder below that of its chapter, with `wall.json` and `scaling.json`, our records of
//! it, of which one may be missing, and one `<runner>.jsonl` per peer, in the protocol that
//! `benches/peers/README.md` states. Every round must hold the same measurements.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::criterion::MIN_SAMPLES;
use super::{Collected, Error, contradiction};
use crate::machine::Environment;
use crate::record::{self, Origin, PEERS, Record, Row, SCALING, WALL};
use crate::run;
use crate::stats::Samples;

/// The output of a runner.
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
    mse: Option<f64>,
    flagged: Option<f64>,
}

/// A peer in the rounds so far: times per unit, one for each round.
struct Peer {
    version: String,
    mse: Option<f64>,
    flagged: Option<f64>,
    theirs_ns: Vec<f64>,
    ours_ns: Vec<f64>,
    origin: Origin,
}

/// The comparisons that the last run of the peers made; `units` says how many units of work a case
/// does, if it is one of ours.
///
/// # Errors
///
/// If there was no run, a file of it is unusable, the rounds differ in what they measured or with
/// what, or a peer measured what we did not.
pub fn collect(
    target: &Path,
    units: &dyn Fn(&str) -> Option<u64>,
    selects: &dyn Fn(&str) -> bool,
) -> Result<Collected, Error> {
    let mut collected = Collected::default();
    for chapter in super::chapters(target, &PEERS)? {
        let dir = run::folder(target, PEERS.name, &chapter);
        let mut found = BTreeMap::new();
        let mut first: Option<(Environment, String)> = None;
        for (index, round) in run::entries(&dir)?.iter().enumerate() {
            let ours = ours(round, &mut first)?;
            for path in run::entries(round)? {
                if path.extension() == Some("jsonl".as_ref()) {
                    add(&path, &ours, units, &mut found)?;
                }
            }
            for (id, peer) in &found {
                if peer.theirs_ns.len() != index + 1 {
                    let times = peer.theirs_ns.len();
                    let found = format!("{id} measured {times} times in {} rounds", index + 1);
                    return Err(contradiction(round, found, "each measurement once in each round"));
                }
            }
        }
        let Some((environment, _)) = first.filter(|_| !found.is_empty()) else {
            return Err(Error::NoRun { instrument: &PEERS, dir });
        };
        let selected = found.into_iter().filter(|(id, _)| selects(id));
        let rows = selected.map(|(id, peer)| peer.row(id)).collect();
        collected.add(&PEERS, environment, rows);
    }
    Ok(collected)
}

/// Our rows in a round, which must be of the environment and sources of the first one.
fn ours(
    round: &Path,
    first: &mut Option<(Environment, String)>,
) -> Result<BTreeMap<String, Row>, Error> {
    let mut rows = BTreeMap::new();
    for instrument in [&WALL, &SCALING] {
        let path = round.join(format!("{}.json", instrument.name));
        let record = match Record::read(instrument, &path) {
            Err(record::Error::Missing { .. }) => continue,
            record => record?,
        };
        for row in record.cases {
            let of = (record.environment.clone(), row.origin.source.clone());
            if *first.get_or_insert_with(|| of.clone()) != of {
                let found = format!("{} of another build or machine", row.id);
                return Err(contradiction(&path, found, "those of the first round"));
            }
            rows.insert(row.id.clone(), row);
        }
    }
    if rows.is_empty() {
        let found = "neither wall.json nor scaling.json".to_owned();
        return Err(contradiction(round, found, "our times of the same round"));
    }
    Ok(rows)
}

/// Adds what one runner printed in one round.
fn add(
    path: &Path,
    ours: &BTreeMap<String, Row>,
    units: &dyn Fn(&str) -> Option<u64>,
    found: &mut BTreeMap<String, Peer>,
) -> Result<(), Error> {
    let text =
        fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    for (number, text) in text.lines().enumerate() {
        let wrong = |what: String, expected: &str| {
            contradiction(path, format!("line {}: {what}", number + 1), expected)
        };
        let line: Line = serde_json::from_slice(text.as_bytes())
            .map_err(|err| wrong(err.to_string(), "what benches/peers/README.md says"))?;
        let (Some(units), Some(ours)) = (units(&line.case), ours.get(&line.case)) else {
            return Err(wrong(line.case, "a case that our bench measured in the same round"));
        };
        if line.threads != 1 || line.samples < MIN_SAMPLES || line.units == 0 {
            let Line { threads, samples, units, .. } = line;
            let what = format!("{threads} threads, {samples} samples, {units} units");
            return Err(wrong(what, &format!("1 thread, {MIN_SAMPLES} samples, 1 unit or more")));
        }
        let id = format!("{} {}", line.case, line.peer);
        let peer = found.entry(id.clone()).or_insert_with(|| Peer {
            version: line.version.clone(),
            mse: line.mse,
            flagged: line.flagged,
            theirs_ns: Vec::new(),
            ours_ns: Vec::new(),
            origin: ours.origin.clone(),
        });
        if (&peer.version, peer.mse, peer.flagged) != (&line.version, line.mse, line.flagged) {
            return Err(wrong(line.version, "the program and the errors of the first round"));
        }
        peer.theirs_ns.push(line.median_ns / line.units as f64);
        peer.ours_ns.push(ours.number("median_ns") / units as f64);
        if let Some(flaw) = peer.row(id).flaw(&PEERS) {
            return Err(wrong(flaw, "a peer without blanks, positive numbers"));
        }
    }
    Ok(())
}

impl Peer {
    fn row(&self, id: String) -> Row {
        let median = |values: &[f64]| Samples::new(values.iter().copied()).median().into();
        let ratios = self.theirs_ns.iter().zip(&self.ours_ns).map(|(theirs, ours)| theirs / ours);
        let ratios = Samples::new(ratios);
        let optional = [("mse", self.mse), ("flagged", self.flagged)];
        let metrics = [
            ("theirs_ns", median(&self.theirs_ns)),
            ("ours_ns", median(&self.ours_ns)),
            ("ratio_min", ratios.min().into()),
            ("ratio", ratios.median().into()),
            ("ratio_max", ratios.max().into()),
            ("rounds", (ratios.len() as u64).into()),
        ];
        let optional = optional.into_iter().filter_map(|(name, x)| Some((name, x?.into())));
        let metrics = metrics.into_iter().chain(optional);
        Row {
            id,
            implementation: self.version.clone(),
            metrics: metrics.map(|(name, value)| (name.to_owned(), value)).collect(),
            origin: self.origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::machine;
    use crate::record::wall;

    const LINE: &str = r#"{"case":"a/b/n1","peer":"other","version":"other 1.0","units":4,"median_ns":80.0,"samples":30,"threads":1,"mse":0.5,"flagged":0.25}"#;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn round(&self, name: &str, ours_ns: f64, lines: &str) -> PathBuf {
            let dir = run::folder(self.0.path(), "peers", "a").join(name);
            let walls = Record::new(&WALL, machine::wall()).with(vec![wall("a/b/n1", ours_ns)]);
            walls.write(&dir.join("wall.json")).unwrap();
            fs::write(dir.join("other.jsonl"), lines).unwrap();
            dir
        }

        fn collect(&self) -> Result<Collected, Error> {
            let units = |id: &str| ["a/b/n1", "a/b/n2"].contains(&id).then_some(1);
            collect(self.0.path(), &units, &|_| true)
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
        let found = folder.collect().unwrap();
        let record = &found.records["a"];
        let [peer] = &record.cases[..] else { panic!("{record:?}") };
        assert_eq!((&*peer.id, &*peer.implementation), ("a/b/n1 other", "other 1.0"), "names");
        let numbers = ["theirs_ns", "ours_ns", "ratio_min", "ratio_max", "mse", "flagged"];
        let want = [17.5, 6.0, 20.0 / 7.0, 3.0, 0.5, 0.25];
        assert_eq!(numbers.map(|name| peer.number(name)), want, "20 and 15 against 7 and 5");
        let path = folder.0.path().join("a.json");
        record.write(&path).unwrap();
        assert_eq!(Record::read(&PEERS, &path).unwrap(), *record, "round trip");
    }

    #[test]
    fn times_of_cases_that_only_scale_count_too_and_errors_are_optional() {
        let folder = Folder::new();
        let line = LINE.replace("n1", "n2").replace(",\"mse\":0.5,\"flagged\":0.25", "");
        let dir = folder.round("1", 7.0, &line);
        let scaling = Record::new(&SCALING, machine::wall()).with(vec![wall("a/b/n2", 10.0)]);
        scaling.write(&dir.join("scaling.json")).unwrap();
        let found = folder.collect().unwrap();
        let peer = &found.records["a"].cases[0];
        assert_eq!((peer.number("ratio"), peer.value("mse")), (2.0, None), "20 against 10");
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
        let mut walls = Record::read(&WALL, &path).unwrap();
        walls.cases[0].origin.source = "2".to_owned();
        walls.write(&path).unwrap();
        folder.refuses("another build");
        fs::remove_file(&path).unwrap();
        folder.refuses("neither wall.json nor scaling.json");
    }

    #[test]
    fn a_copied_output_of_a_runner_is_refused() {
        let folder = Folder::new();
        let round = folder.round("1", 7.0, LINE);
        fs::copy(round.join("other.jsonl"), round.join("other (copy).jsonl")).unwrap();
        folder.refuses("a/b/n1 other measured 2 times in 1 rounds, expected each measurement once");
    }

    #[test]
    fn no_run_asks_for_one() {
        let folder = Folder::new();
        folder.refuses("no run of `peers`");
        folder.round("1", 7.0, "");
        folder.refuses("run `ci/peers.sh` first");
    }
}
