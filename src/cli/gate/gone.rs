//! Selected cases that only the baselines know.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Args;
use crate::case::Case;
use crate::cli::Exit;
use crate::gate::{self, Findings, Question};
use crate::record::{self, INSTRUCTIONS, Record, WALL};

/// The cases of the baselines that are selected, where no case here is; `None` if there are none.
pub(super) fn gone(args: &Args, cases: &[Case]) -> Option<Findings> {
    if cases.iter().any(|case| args.selection.holds(&case.id)) {
        return None;
    }
    let (mut findings, mut said) = (Findings::of(Question::Comparable), BTreeSet::new());
    for (path, record) in records(&args.baselines()) {
        for row in record.cases.iter().filter(|row| args.selection.holds(&row.id)) {
            if said.insert(row.id.clone()) {
                let what = format!("is gone, but the baseline {} has it", path.display());
                let next = Some(gate::ACCEPT.to_owned());
                findings.push(Exit::Incomparable, &row.id, what, next);
            }
        }
    }
    (!said.is_empty()).then_some(findings)
}

/// The baselines that the gate reads; what cannot be read holds no case.
fn records(baselines: &Path) -> Vec<(PathBuf, Record)> {
    let mut paths = vec![(&INSTRUCTIONS, baselines.to_owned())];
    for folder in fs::read_dir(baselines).into_iter().flatten().flatten() {
        for instrument in [&INSTRUCTIONS, &WALL] {
            let folder = folder.path().join(instrument.name);
            let chapters = record::chapters(&folder).into_iter();
            paths.extend(chapters.map(|name| (instrument, folder.join(format!("{name}.json")))));
        }
    }
    let read =
        |(instrument, path): (_, PathBuf)| Some((Record::read(instrument, &path).ok()?, path));
    let records = paths.into_iter().filter_map(read);
    records.map(|(record, path)| (path, record)).collect()
}
