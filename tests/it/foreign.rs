//! Files that other programs wrote, against what those programs say of them.
//!
//! `fixtures/foreign/make.py` writes both. Ten files are committed; a folder with all of them is
//! read where the environment names one in `STEPMARK_FOREIGN`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use stepmark::md::extxyz::{Frame, Value};
use stepmark::mvar;

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expected {
    Atoms {
        species: Vec<String>,
        cell: Vec<[f64; 3]>,
        positions: Vec<[f64; 3]>,
        masses: Vec<f64>,
        velocities: Vec<[f64; 3]>,
        temperature: f64,
        energy: Option<f64>,
        tolerance: f64,
    },
    Model {
        coefficients: Vec<f64>,
        intercept: Vec<f64>,
    },
}

/// Requires equality within `tolerance` of the largest number.
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    let bound = tolerance * want.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    stepmark::close::within(what, got, want, &vec![bound; want.len()])
}

fn check(path: &Path, expected: &Expected) -> Result<(), String> {
    let name = path.display().to_string();
    match expected {
        Expected::Atoms {
            species,
            cell,
            positions,
            masses,
            velocities,
            temperature,
            energy,
            tolerance,
        } => {
            let frame = Frame::read(path).map_err(|e| e.to_string())?;
            let text = frame.to_text(&name).map_err(|e| e.to_string())?;
            if Frame::parse(&name, text.as_bytes()).map_err(|e| e.to_string())? != frame {
                return Err("what is written is not what was read".to_owned());
            }
            if let Some(energy) = energy {
                let keys = ["energy", "Potential_energy"];
                let value = keys.iter().find_map(|key| frame.info.get(*key));
                let got = value.and_then(Value::numbers).ok_or("no energy")?;
                close("energy", &got, &[*energy], 1e-15)?;
            }
            let system = frame.into_system(&name, None).map_err(|e| e.to_string())?;
            if system.species != *species {
                return Err(format!("species {:?}, expected {species:?}", system.species));
            }
            let rows = system.cell.rows();
            for (what, got, want) in [
                ("cell", rows.as_flattened(), cell.as_flattened()),
                ("positions", system.positions.as_flattened(), positions.as_flattened()),
                ("masses", &system.masses[..], &masses[..]),
                ("velocities", system.velocities.as_flattened(), velocities.as_flattened()),
                ("temperature", &[system.temperature()][..], &[*temperature][..]),
            ] {
                close(what, got, want, *tolerance)?;
            }
            Ok(())
        }
        Expected::Model { coefficients, intercept } => {
            let model = mvar::Model::load(path).map_err(|e| e.to_string())?.model;
            let got: Vec<f64> = model.coefficients().iter().copied().collect();
            let constant: Vec<f64> = model.intercept().iter().copied().collect();
            if got == *coefficients && constant == *intercept {
                return Ok(());
            }
            Err(format!("{got:?} and {constant:?}, expected {coefficients:?} and {intercept:?}"))
        }
    }
}

/// Checks every file that `expected.json` of the folder names; returns how many those are.
#[track_caller]
fn check_all(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    let all: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    let faults: Vec<_> = all
        .iter()
        .filter_map(|(name, expected)| {
            let fault = check(&folder.join(name), expected).err()?;
            Some(format!("{name}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), all.len(), faults.join("\n"));
    all.len()
}

#[test]
fn ten_files_of_other_programs_load_with_their_values() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign");
    assert_eq!(check_all(&folder), 10, "those that are committed");
}

#[test]
#[ignore = "reads the folder that STEPMARK_FOREIGN names"]
fn all_files_of_the_folder_load_with_their_values() {
    let folder = std::env::var_os("STEPMARK_FOREIGN").expect("STEPMARK_FOREIGN names a folder");
    let files = check_all(Path::new(&folder));
    println!("{files} files");
    assert!(files >= 60, "{files} files");
}
