//! Files that other programs wrote, against what those programs say of them.
//!
//! `fixtures/foreign/make.py` writes both. Ten files are committed; a folder with all of them is
//! read where the environment names one in `STEPMARK_FOREIGN`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;
use stepmark::md::extxyz::{Frame, Value};
use stepmark::mvar;

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Atoms(Box<Atoms>),
    Model(Model),
    Refused(Refused),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Atoms {
    species: Vec<String>,
    cell: Vec<[f64; 3]>,
    positions: Vec<[f64; 3]>,
    forces: Option<Vec<[f64; 3]>>,
    info: BTreeMap<String, Json>,
    system: System,
    tolerance: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum System {
    Refused(Refused),
    Loaded(Loaded),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loaded {
    masses: Vec<f64>,
    velocities: Vec<[f64; 3]>,
    temperature: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    coefficients: Vec<f64>,
    intercept: Vec<f64>,
}

/// Words of the error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    refused: String,
}

impl Refused {
    fn check<T>(&self, result: Result<T, impl ToString>) -> Result<(), String> {
        let Err(message) = result else {
            return Err(format!("no error, expected {:?}", self.refused));
        };
        let message = message.to_string();
        if message.contains(&self.refused) {
            return Ok(());
        }
        Err(format!("the error {message:?}, expected {:?}", self.refused))
    }
}

/// Requires equality within `tolerance` of the largest number.
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    let bound = tolerance * want.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    stepmark::close::within(what, got, want, &vec![bound; want.len()])
}

/// Requires that a value of line 2 is what the writer was given.
fn same(key: &str, got: &Value, want: &Json) -> Result<(), String> {
    let flag = |json: &Json| json.as_bool().map(|flag| if flag { "T" } else { "F" });
    let list = || want.as_array().cloned().unwrap_or_else(|| vec![want.clone()]);
    let is_same = if let Some(json) = got.text().strip_prefix("_JSON ") {
        serde_json::from_str::<Json>(json).is_ok_and(|json| json == *want)
    } else if let Json::String(text) = want {
        got.text() == text
    } else if let Some(flags) = list().iter().map(flag).collect::<Option<Vec<_>>>() {
        got.text().split(' ').eq(flags)
    } else {
        let want: Option<Vec<f64>> = list().iter().map(Json::as_f64).collect();
        // A writer may leave the last digit out.
        got.numbers().zip(want).is_some_and(|(got, want)| close(key, &got, &want, 1e-15).is_ok())
    };
    if is_same { Ok(()) } else { Err(format!("{key} is {got:?}, expected {want}")) }
}

impl Atoms {
    fn check(&self, path: &Path) -> Result<(), String> {
        let name = path.display().to_string();
        let frame = Frame::read(path).map_err(|e| e.to_string())?;
        let text = frame.to_text(&name).map_err(|e| e.to_string())?;
        if Frame::parse(&name, text.as_bytes()).map_err(|e| e.to_string())? != frame {
            return Err("what is written is not what was read".to_owned());
        }
        if frame.species != self.species {
            return Err(format!("species {:?}, expected {:?}", frame.species, self.species));
        }
        if !frame.info.keys().eq(self.info.keys()) || !frame.overruled.is_empty() {
            return Err(format!("line 2 is {:?}, expected {:?}", frame.info, self.info));
        }
        for (key, value) in &frame.info {
            same(key, value, &self.info[key])?;
        }
        let tolerance = self.tolerance;
        let near = |what: &str, got: &[[f64; 3]], want: &[[f64; 3]]| {
            close(what, got.as_flattened(), want.as_flattened(), tolerance)
        };
        near("cell", &frame.cell.rows(), &self.cell)?;
        near("positions", &frame.positions, &self.positions)?;
        match (&frame.forces, &self.forces) {
            (None, None) => {}
            (Some(got), Some(want)) => near("forces", got, want)?,
            (got, want) => return Err(format!("forces {got:?}, expected {want:?}")),
        }
        let system = frame.into_system(&name, None);
        let Loaded { masses, velocities, temperature } = match &self.system {
            System::Refused(refused) => return refused.check(system),
            System::Loaded(loaded) => loaded,
        };
        let system = system.map_err(|e| e.to_string())?;
        close("masses", &system.masses, masses, tolerance)?;
        near("velocities", &system.velocities, velocities)?;
        close("temperature", &[system.temperature()], &[*temperature], tolerance)
    }
}

impl Model {
    fn check(&self, path: &Path) -> Result<(), String> {
        let model = mvar::Model::load(path).map_err(|e| e.to_string())?.model;
        let got = [model.coefficients().iter().copied().collect(), model.intercept().to_vec()];
        let want = [&self.coefficients, &self.intercept];
        if got.each_ref() == want {
            return Ok(());
        }
        Err(format!("{got:?}, expected {want:?}"))
    }
}

fn check(path: &Path, expected: &Expected) -> Result<(), String> {
    match expected {
        Expected::Atoms(atoms) => atoms.check(path),
        Expected::Model(model) => model.check(path),
        Expected::Refused(refused) => refused.check(mvar::Model::load(path)),
    }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign")
}

/// What `expected.json` of the folder says, by file.
fn expected(folder: &Path) -> BTreeMap<String, Json> {
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Checks every file that `expected.json` of the folder names; returns how many those are.
#[track_caller]
fn check_all(folder: &Path) -> usize {
    let all = expected(folder);
    let faults: Vec<_> = all
        .iter()
        .filter_map(|(name, expected)| {
            let expected =
                Expected::deserialize(expected).unwrap_or_else(|e| panic!("{name}: {e}"));
            let fault = check(&folder.join(name), &expected).err()?;
            Some(format!("{name}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), all.len(), faults.join("\n"));
    all.len()
}

#[test]
fn ten_files_of_other_programs_load_with_their_values() {
    assert_eq!(check_all(&committed()), 10, "those that are committed");
}

#[test]
fn the_ten_files_are_of_every_kind() {
    let all = expected(&committed());
    let second_line = |name: &str| {
        let text = fs::read_to_string(committed().join(name)).unwrap_or_default();
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    for words in [
        &[":momenta:R:3"][..],
        &[":Z:I:1"],
        &[":masses:R:1", ":forces:R:3"],
        &["dipole=\"1.0 2.0 3.0\"", "virial=\"0.0 3.0", "\\\"", "\"with space\"=3", "_JSON"],
        &["C:\\\\", "_JSON [", "_JSON {"],
        &["Temperature=", ":vel:R:3", ":mass:R:1", "1.62 10.8 0"],
    ] {
        let has_all = |line: String| words.iter().all(|word| line.contains(word));
        assert!(all.keys().any(|name| has_all(second_line(name))), "{words:?}");
    }
    for (place, kind) in [
        ("/system/refused", "a file that is refused"),
        ("/system/temperature", "a system"),
        ("/coefficients", "a model"),
        ("/forces", "forces"),
        ("/info/Potential_energy", "an energy of LAMMPS"),
        ("/info/energy", "an energy of ASE"),
    ] {
        assert!(all.values().any(|json| json.pointer(place).is_some()), "{kind}");
    }
}

/// The value with one part changed, for every key of an object and the first item of a list.
fn changed(json: &Json) -> Vec<Json> {
    match json {
        Json::Null => vec![],
        Json::Bool(flag) => vec![(!flag).into()],
        Json::Number(x) => vec![(x.as_f64().unwrap() + 1.0).into()],
        Json::String(text) => vec![format!("{text}x").into()],
        Json::Array(all) => {
            let changes = |k: usize| {
                let with = move |item| {
                    let mut other = all.clone();
                    other[k] = item;
                    Json::Array(other)
                };
                changed(&all[k]).into_iter().map(with)
            };
            // The first and the last stand for the others.
            [0, all.len().saturating_sub(1)].into_iter().take(all.len()).flat_map(changes).collect()
        }
        Json::Object(all) => {
            let keys = all.iter().filter(|(key, _)| *key != "tolerance");
            let changes =
                keys.flat_map(|(key, value)| changed(value).into_iter().map(move |v| (key, v)));
            changes
                .map(|(key, value)| {
                    let mut other = all.clone();
                    other.insert(key.clone(), value);
                    Json::Object(other)
                })
                .collect()
        }
    }
}

#[test]
fn any_other_value_is_a_fault() {
    for (name, json) in expected(&committed()) {
        let others = changed(&json);
        assert!(!others.is_empty(), "{name}");
        for other in others {
            let expected = Expected::deserialize(&other).unwrap();
            assert!(check(&committed().join(&name), &expected).is_err(), "{name}: {other}");
        }
    }
}

#[test]
#[ignore = "reads the folder that STEPMARK_FOREIGN names"]
fn all_files_of_the_folder_load_with_their_values() {
    let folder = std::env::var_os("STEPMARK_FOREIGN").expect("STEPMARK_FOREIGN names a folder");
    let files = check_all(Path::new(&folder));
    println!("{files} files");
    assert!(files >= 60, "{files} files");
}
