//! Wall times beside the saved ones.

use std::path::Path;

use super::Args;
use super::both::Both;
use crate::cli::Exit;
use crate::gate::{Findings, Question, Scope, Walls};
use crate::record::WALL;

/// Compares the wall times of the selected cases, which inform.
pub(super) fn walls(args: &Args, scope: &Scope<'_>, target: &Path) -> Walls {
    let mut gone = Findings::of(Question::Comparable);
    let both = match Both::read(&WALL, &args.baselines(), scope, target) {
        Ok(both) => both,
        Err(missed) => return Walls { rows: Err(missed.why), gone },
    };
    let mut findings = Findings::of(Question::Comparable);
    let rows = both.comparable(&WALL, scope, &mut findings);
    let is_of_all = findings.iter().any(|found| found.about == WALL.name);
    if !is_of_all && !args.pairs.allow_removed {
        for found in findings.iter().filter(|found| !scope.known.contains(found.about.as_str())) {
            gone.push(found.exit, &found.about, &found.what, found.next.clone());
        }
    }
    if rows.is_empty() {
        let why = findings.iter().find(|finding| finding.exit != Exit::Pass);
        let why = why.map_or_else(|| "nothing is comparable".to_owned(), |why| why.what.clone());
        return Walls { rows: Err(why), gone };
    }
    Walls { rows: Ok(rows), gone }
}
