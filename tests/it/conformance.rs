//! Runs every reference vector found under `STEPMARK_CONFORMANCE`.
//!
//! Unset, nothing is run, and this says so. Set, every kind below must find at least one file.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::lattice::conformance as lattice;
use crate::md::conformance as md;
use crate::md::lammps as files;
use crate::rom::conformance as rom;

/// One kind of reference vector.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) role: fn(&Path) -> Role,
    /// Runs one file; an error says which number was missed.
    pub(crate) check: fn(&Path) -> Result<(), String>,
}

/// The role of a file for a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A vector to run.
    Case,
    /// Read together with a case.
    Part,
    /// Not of this kind.
    Other,
}

const KINDS: [&Kind; 22] = [
    &lattice::CLEAN,
    &lattice::TIES,
    &md::LENNARD_JONES,
    &md::STILLINGER_WEBER,
    &md::SUTTON_CHEN,
    &md::FINNIS_SINCLAIR,
    &md::WATER,
    &md::NVE,
    &files::LAMMPS,
    &files::SETFL,
    &rom::MVAR,
    &rom::MVAR_TRAIN,
    &rom::LSTM,
    &rom::LSTM_TRAIN,
    &rom::RUNTIME,
    &rom::PIPELINE,
    &rom::TREE,
    &rom::SIM,
    &rom::KDE,
    &rom::POD,
    &rom::DATASET,
    &rom::EVAL,
];

/// Past libtest's capture, so that a count is seen even when all is well.
fn say(line: &str) {
    writeln!(io::stderr(), "conformance: {line}").expect("stderr is writable");
}

fn files() -> Option<Vec<PathBuf>> {
    fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let Some(root) = env::var_os("STEPMARK_CONFORMANCE") else {
        say("STEPMARK_CONFORMANCE is not set: nothing was run");
        return None;
    };
    let mut files = Vec::new();
    walk(Path::new(&root), &mut files);
    files.sort();
    Some(files)
}

fn run(kind: &Kind) {
    let Some(files) = files() else { return };
    let cases: Vec<_> = files.iter().filter(|f| (kind.role)(f) == Role::Case).collect();
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|f| (kind.check)(f).err().map(|e| format!("{}: {e}", f.display())))
        .collect();
    say(&format!("{}: {} files, {} failed", kind.name, cases.len(), failures.len()));
    assert!(!cases.is_empty(), "{}: no file of this kind was found", kind.name);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn lattice_clean() {
    run(&lattice::CLEAN);
}

#[test]
fn lattice_ties() {
    run(&lattice::TIES);
}

#[test]
fn md_lennard_jones() {
    run(&md::LENNARD_JONES);
}

#[test]
fn md_stillinger_weber() {
    run(&md::STILLINGER_WEBER);
}

#[test]
fn md_sutton_chen() {
    run(&md::SUTTON_CHEN);
}

#[test]
fn md_finnis_sinclair() {
    run(&md::FINNIS_SINCLAIR);
}

#[test]
fn md_water() {
    run(&md::WATER);
}

#[test]
fn md_nve() {
    run(&md::NVE);
}

#[test]
fn md_lammps() {
    run(&files::LAMMPS);
}

#[test]
fn md_setfl() {
    run(&files::SETFL);
}

#[test]
fn rom_mvar() {
    run(&rom::MVAR);
}

#[test]
fn rom_mvar_train() {
    run(&rom::MVAR_TRAIN);
}

#[test]
fn rom_lstm() {
    run(&rom::LSTM);
}

#[test]
fn rom_lstm_train() {
    run(&rom::LSTM_TRAIN);
}

#[test]
fn rom_runtime() {
    run(&rom::RUNTIME);
}

#[test]
fn rom_pipeline() {
    run(&rom::PIPELINE);
}

#[test]
fn rom_tree() {
    run(&rom::TREE);
}

#[test]
fn rom_sim() {
    run(&rom::SIM);
}

#[test]
fn rom_kde() {
    run(&rom::KDE);
}

#[test]
fn rom_pod() {
    run(&rom::POD);
}

#[test]
fn rom_dataset() {
    run(&rom::DATASET);
}

#[test]
fn rom_eval() {
    run(&rom::EVAL);
}

#[test]
fn every_other_file_is_named() {
    let Some(files) = files() else { return };
    for file in files {
        if KINDS.iter().all(|kind| (kind.role)(&file) == Role::Other) {
            say(&format!("not covered: {}", file.display()));
        }
    }
}
