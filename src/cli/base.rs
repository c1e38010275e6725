//! The commit that a change is compared with, and what of it judges the change.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Exit, Selection, Stop};
use crate::gate::duet::{self, Builds, Checkout};
use crate::gate::{self, Findings, Question, Shift, Shifted, Tolerance};
use crate::machine::package;
use crate::machine::source::plain;
use crate::record::metric::ACCEPTED;
use crate::record::{INSTRUCTIONS, Instrument, Record};

/// Where a package says which margins it wants.
const TOLERANCE: &str = "ci/tolerance.json";

/// The margins that the package at hand wants, where no build says which package that is.
pub(super) fn tolerance() -> Result<Tolerance, Stop> {
    Ok(Tolerance::read(&package::file(TOLERANCE))?)
}

/// A commit of the repository around the package.
pub(super) struct Base {
    checkout: Checkout,
    commit: String,
    /// `merge base with main (0123456789ab)`
    name: String,
    /// What was asked for.
    revision: String,
}

impl Base {
    /// The commit that `revision` names, or that it has in common with what is checked out.
    pub(super) fn find(
        checkout: Checkout,
        revision: &str,
        is_merge_base: bool,
    ) -> Result<Self, Stop> {
        let repository = checkout.repository();
        let (of, commit) = match is_merge_base {
            true => ("merge base with ", repository.merge_base(revision)?),
            false => ("", repository.commit(revision)?),
        };
        let name = format!("{of}{revision} ({})", commit.get(..12).unwrap_or(&commit));
        Ok(Self { checkout, commit, name, revision: revision.to_owned() })
    }

    /// Builds it and the working tree; `watch` is told what goes on.
    pub(super) fn builds(&self, watch: &mut dyn FnMut(&str)) -> Result<Builds, duet::build::Error> {
        self.checkout.builds(&self.revision, &self.commit, &self.name, watch)
    }

    /// Requires that there is a change to judge.
    pub(super) fn differs(&self) -> Result<(), Stop> {
        let repository = self.checkout.repository();
        if repository.commit("HEAD")? != self.commit || !repository.is_clean()? {
            return Ok(());
        }
        let why = format!(
            "nothing has changed since {}: it is HEAD, and the tree is clean; after a push to \
             {} compare with what was there before, as in --against HEAD~1",
            self.name, self.revision
        );
        Err(Stop::new(Exit::Incomparable, why))
    }

    /// The margins in force, of each class the smaller one of the base and of the tree; and a note
    /// if the tree asks for wider ones.
    pub(super) fn tolerance(&self) -> Result<(Tolerance, Option<String>), Stop> {
        let repository = self.checkout.repository();
        let wanted = Tolerance::read(&package::file_of(&repository.package(), TOLERANCE))?;
        let held = repository.files(&self.commit, TOLERANCE)?;
        // One that cannot be read was never in force.
        let held = held
            .first()
            .and_then(|(path, text)| Tolerance::parse(Path::new(path), text.as_bytes()).ok());
        let in_force = wanted.tighter(held.unwrap_or_default());
        let note = wanted.beyond(&in_force).map(|wider| {
            format!("{TOLERANCE} asks for {wider}; that holds once it is in {}", self.revision)
        });
        Ok((in_force, note))
    }

    /// Notes where the baselines of exact numbers in the folder allow selected cases more than those
    /// of the base do.
    pub(super) fn loosened(
        &self,
        baselines: &Path,
        selection: &Selection,
    ) -> Result<Findings, Stop> {
        let mut findings = Findings::of(Question::Hungrier);
        let repository = self.checkout.repository();
        let Some(inside) = self.inside(baselines) else {
            let what = format!(
                "{} lies outside the repository, so nothing tells whether these baselines are \
                 looser than before",
                baselines.display()
            );
            findings.push(Exit::Pass, INSTRUCTIONS.name, what, None);
            return Ok(findings);
        };
        let held = repository.files(&self.commit, &inside)?;
        for (path, before) in &held {
            let Some(instrument) = exact(path) else { continue };
            let path = &self.now(path, &held);
            let after = fs::read_to_string(repository.package().join(path)).ok();
            if after.as_deref().map(str::trim_end) == Some(before) {
                continue;
            }
            // What cannot be read is found where it is compared with.
            let read = |text: &str| Record::parse(instrument, Path::new(path), text).ok();
            let Some(old) = read(before) else { continue };
            let new = match after {
                None => old.with(Vec::new()),
                Some(after) => match read(&after) {
                    Some(new) => new,
                    None => continue,
                },
            };
            for case in gate::shifts(instrument, &old, &new) {
                if selection.holds(case.id) {
                    for what in self.how_looser(instrument, &case, path) {
                        findings.push(Exit::Pass, case.id, what, None);
                    }
                }
            }
        }
        Ok(findings)
    }

    /// How a baseline is looser than that of the base, if it is.
    fn how_looser(&self, instrument: &Instrument, case: &Shifted<'_>, path: &str) -> Vec<String> {
        let Self { name, .. } = self;
        match (case.shift, case.old, case.new) {
            (Shift::Looser, Some(old), Some(new)) => {
                let why = new.origin.reason.as_deref().unwrap_or("none");
                let losses = gate::losses(instrument, old, new).into_iter();
                losses
                    .map(|loss| format!("LOOSER baseline than in {name}: {loss}; reason: {why}"))
                    .collect()
            }
            (Shift::Gone, ..) => {
                vec![format!("LOOSER: {path} lacks it, but that of {name} has it")]
            }
            _ => Vec::new(),
        }
    }

    /// Where what the base held in a file is now: there, or, where that is gone, with the baselines of
    /// another toolchain, of which the base held none.
    fn now(&self, path: &str, held: &[(String, String)]) -> String {
        let package = self.checkout.repository().package();
        let mut around = Path::new(path).ancestors().skip(1);
        let (of, root) = (around.nth(1), around.next());
        let (Some(of), Some(root), false) = (of, root, package.join(path).exists()) else {
            return path.to_owned();
        };
        let Ok(inside) = Path::new(path).strip_prefix(of) else { return path.to_owned() };
        let folders = fs::read_dir(package.join(root)).into_iter().flatten().flatten();
        let others = folders.map(|entry| root.join(entry.file_name()).join(inside));
        let is_new = |path: &PathBuf| {
            package.join(path).is_file() && !held.iter().any(|(held, _)| Path::new(held) == path)
        };
        let new = others.filter(is_new).min();
        new.map_or_else(|| path.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    /// A folder as seen from that of the package; `None` where it lies outside the repository.
    fn inside(&self, folder: &Path) -> Option<String> {
        let repository = self.checkout.repository();
        let (top, package) = (repository.top(), repository.package());
        let (top, package) = (top.canonicalize().ok()?, package.canonicalize().ok()?);
        let folder = std::path::absolute(folder).ok()?;
        let folder = folder.canonicalize().unwrap_or_else(|_| plain(&folder));
        let around = package.ancestors().take_while(|around| around.starts_with(&top));
        let (back, around) = around.enumerate().find(|(_, of)| folder.starts_with(of))?;
        let inside = folder.strip_prefix(around).ok()?;
        let from = PathBuf::from("../".repeat(back)).join(inside);
        Some(from.to_str().filter(|from| !from.is_empty()).unwrap_or(".").to_owned())
    }
}

/// The instrument of the baseline in a file, if equal code gives equal numbers by it.
fn exact(path: &str) -> Option<&'static Instrument> {
    let (folder, file) = path.rsplit_once('/')?;
    file.strip_suffix(".json")?;
    let (_, name) = folder.rsplit_once('/')?;
    ACCEPTED.into_iter().find(|instrument| instrument.name == name && instrument.is_exact())
}
