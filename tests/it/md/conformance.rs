//! Vectors of molecular dynamics: energies, forces and virials of boxes, and trajectories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stepmark::md::extxyz::Frame;
use stepmark::md::field::ForceSource as _;
use stepmark::md::neighbours::List as _;
use stepmark::md::neighbours::bonds;
use stepmark::md::system::Vector;
use stepmark::md::{Field, Forces, NeighbourList, PlainField, Potential, System, integrate};

use super::models::{self, Use, system, with_potential};
use crate::conformance::{Kind, Role};

pub(crate) const LENNARD_JONES: Kind = Kind {
    name: "md lennard-jones",
    role: |path| box_role(path, "lennard-jones"),
    check: check_box,
};
pub(crate) const STILLINGER_WEBER: Kind = Kind {
    name: "md stillinger-weber",
    role: |path| box_role(path, "stillinger-weber"),
    check: check_box,
};
pub(crate) const SUTTON_CHEN: Kind =
    Kind { name: "md sutton-chen", role: |path| box_role(path, "sutton-chen"), check: check_box };
pub(crate) const FINNIS_SINCLAIR: Kind = Kind {
    name: "md finnis-sinclair",
    role: |path| box_role(path, "finnis-sinclair"),
    check: check_box,
};
pub(crate) const WATER: Kind =
    Kind { name: "md water", role: |path| box_role(path, models::WATER), check: check_box };
pub(crate) const NVE: Kind = Kind { name: "md nve", role: nve_role, check: check_nve };

/// Lists are checked with this skin, in angstrom, and without one.
const SKIN: f64 = 0.8;

pub(super) fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))?;
    serde_json::from_str(&text).map_err(|e| format!("is not JSON: {e}"))
}

/// The contents of a file that is JSON by its name.
enum Content {
    Json(Value),
    /// Not JSON: the file is damaged, and its words still tell what it was.
    Damaged(String),
    Other,
}

fn content(path: &Path) -> Content {
    let Some(bytes) = path.extension().filter(|&e| e == "json").and_then(|_| fs::read(path).ok())
    else {
        return Content::Other;
    };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Content::Json(value),
        Err(_) => Content::Damaged(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

pub(super) fn model_kind(file: &Value) -> Option<&str> {
    file["model"]["kind"].as_str()
}

/// A box of this model, or the same box as extended XYZ beside it.
fn box_role(path: &Path, kind: &str) -> Role {
    let is_box = |path: &Path| match content(path) {
        Content::Json(v) => {
            model_kind(&v) == Some(kind) && v.get("positions").is_some() && !is_trajectory(&v)
        }
        Content::Damaged(text) => text.contains(kind),
        Content::Other => false,
    };
    let twin =
        || path.extension().is_some_and(|e| e == "extxyz") && is_box(&path.with_extension("json"));
    match () {
        () if is_box(path) => Role::Case,
        () if twin() => Role::Part,
        () => Role::Other,
    }
}

fn is_trajectory(file: &Value) -> bool {
    file.get("start_from").is_some() && file.get("velocities0").is_some()
}

fn start_path(path: &Path, file: &Value) -> Result<PathBuf, String> {
    let name = file["start_from"].as_str().ok_or("start_from is not a name")?;
    let name = name.strip_suffix(".json").unwrap_or(name);
    Ok(path.with_file_name(format!("{name}.json")))
}

fn start_of(path: &Path, file: &Value) -> Result<Value, String> {
    let start = start_path(path, file)?;
    read(&start).map_err(|e| format!("start {}: {e}", start.display()))
}

/// Other if it starts from a box of a foreign model, or from one that is not in the folder.
fn nve_role(path: &Path) -> Role {
    let file = match content(path) {
        Content::Json(file) if is_trajectory(&file) => file,
        Content::Damaged(text) if text.contains("start_from") => return Role::Case,
        _ => return Role::Other,
    };
    if start_path(path, &file).is_ok_and(|start| !start.exists()) {
        return Role::Other;
    }
    match start_of(path, &file).as_ref().map(model_kind) {
        Ok(Some(kind)) if !models::KNOWN.contains(&kind) => Role::Other,
        _ => Role::Case,
    }
}

pub(super) fn number(value: &Value, key: &str) -> Result<f64, String> {
    value[key].as_f64().ok_or_else(|| format!("{key} is not a number"))
}

fn numbers(value: &Value, key: &str) -> Result<Vec<f64>, String> {
    let items = value[key].as_array().ok_or_else(|| format!("{key} is not a list"))?;
    let items: Option<_> = items.iter().map(Value::as_f64).collect();
    items.ok_or_else(|| format!("{key} holds what is not a number"))
}

pub(super) fn vectors(value: &Value, key: &str) -> Result<Vec<Vector>, String> {
    let rows = value[key].as_array().ok_or_else(|| format!("{key} is not a list"))?;
    let row = |row: &Value| -> Option<Vector> {
        let row: Vec<f64> = row.as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
        row.try_into().ok()
    };
    let rows: Option<_> = rows.iter().map(row).collect();
    rows.ok_or_else(|| format!("{key} holds what is not a vector"))
}

pub(super) fn matrix(value: &Value, key: &str) -> Result<[Vector; 3], String> {
    vectors(value, key)?.try_into().map_err(|_| format!("{key} has not three rows"))
}

fn one_per_atom(what: &str, found: usize, system: &System) -> Result<(), String> {
    let atoms = system.len();
    if found == atoms { Ok(()) } else { Err(format!("{found} {what} for {atoms} positions")) }
}

fn field<P: Potential>(potential: P, system: &System, skin: f64) -> Result<Field<P>, String> {
    Field::new(potential, system, skin).map_err(|e| e.to_string())
}

/// Requires |got - want| <= tolerance everywhere; NaN is never close.
pub(super) fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    stepmark::close::within(what, got, want, &vec![tolerance; want.len()])
}

fn same(what: &str, got: impl Iterator<Item = usize>, want: &Value) -> Result<(), String> {
    let got: Vec<u64> = got.map(|n| n as u64).collect();
    let want: Option<Vec<u64>> = match want {
        Value::Array(all) => all.iter().map(Value::as_u64).collect(),
        one => one.as_u64().map(|n| vec![n]),
    };
    let want = want.ok_or_else(|| format!("{what} holds what is not a count"))?;
    stepmark::close::bits(what, &got, &want)
}

fn check_box(path: &Path) -> Result<(), String> {
    let file = read(path)?;
    let system = system(&file)?;
    let counts = file["neighbour_counts"].as_array().ok_or("neighbour_counts is not a list")?;
    one_per_atom("neighbour_counts", counts.len(), &system)?;
    if let Some(atoms) = file.get("n_atoms").filter(|v| !v.is_null()) {
        same("n_atoms", std::iter::once(system.len()), atoms)?;
    }
    check_counts(&file, &system)?;
    with_potential(&file["model"], &system.cell, Static { file: &file, system: &system })?;
    let twin = path.with_extension("extxyz");
    if twin.exists() { check_frame(&twin, &file, &system) } else { Ok(()) }
}

/// Compares what a potential finds in a box with the file.
struct Static<'a> {
    file: &'a Value,
    system: &'a System,
}

impl Use for Static<'_> {
    fn with<P: Potential + Copy>(self, potential: P) -> Result<(), String> {
        let Self { file, system } = self;
        close("cutoff", &[potential.cutoff()], &[number(file, "cutoff")?], 1e-9)?;
        check_forces("reference", &potential.reference(system.atoms()), file, system)?;
        for skin in [0.0, SKIN] {
            let fast = field(potential, system, skin)?;
            check_forces(&format!("list with skin {skin}"), fast.forces(), file, system)?;
        }
        Ok(())
    }
}

fn check_counts(file: &Value, system: &System) -> Result<(), String> {
    let (cell, positions, cutoff) = (&system.cell, &system.positions, number(file, "cutoff")?);
    let reference: Vec<usize> = bonds(cell, positions, cutoff).iter().map(Vec::len).collect();
    let lists = [0.0, SKIN].map(|skin| {
        let list = NeighbourList::new(cell, positions, cutoff, skin);
        list.map(|list| list.counts(positions)).map_err(|e| e.to_string())
    });
    for counts in [Ok(reference)].into_iter().chain(lists) {
        let counts = counts?;
        same("neighbour_counts", counts.iter().copied(), &file["neighbour_counts"])?;
        let pairs = counts.iter().sum();
        same("n_directed_pairs", std::iter::once(pairs), &file["n_directed_pairs"])?;
        if let Some(want) = file.get("n_triplets").filter(|v| !v.is_null()) {
            let triplets = counts.iter().map(|c| c * c.saturating_sub(1) / 2).sum();
            same("n_triplets", std::iter::once(triplets), want)?;
        }
    }
    Ok(())
}

fn check_forces(how: &str, got: &Forces, file: &Value, system: &System) -> Result<(), String> {
    let say = |e: String| format!("{how}: {e}");
    let (energy, volume) = (number(file, "energy")?, system.cell.volume());
    close("energy", &[got.energy], &[energy], 1e-10 * energy.abs()).map_err(say)?;
    let forces = vectors(file, "forces")?;
    close("forces", got.forces.as_flattened(), forces.as_flattened(), 1e-9).map_err(say)?;
    let virial = matrix(file, "virial")?;
    close("virial", got.virial.as_flattened(), virial.as_flattened(), 1e-8).map_err(say)?;
    let stress = matrix(file, "stress")?;
    let (got, tolerance) = (got.stress(volume), 1e-8 / volume);
    close("stress", got.as_flattened(), stress.as_flattened(), tolerance).map_err(say)
}

/// Its numbers are rounded to eight decimals.
fn check_frame(path: &Path, file: &Value, system: &System) -> Result<(), String> {
    let frame = Frame::read(path).map_err(|e| e.to_string())?;
    if !system.symbols().eq(&frame.species) || frame.pbc != [true; 3] {
        return Err("extxyz: other species or pbc".to_owned());
    }
    let rows = system.cell.rows();
    close("extxyz cell", frame.cell.rows().as_flattened(), rows.as_flattened(), 1e-8)?;
    let want = system.positions.as_flattened();
    close("extxyz positions", frame.positions.as_flattened(), want, 1e-8)?;
    let Some(forces) = &frame.forces else { return Ok(()) };
    let want = vectors(file, "forces")?;
    close("extxyz forces", forces.as_flattened(), want.as_flattened(), 1e-8)
}

fn check_nve(path: &Path) -> Result<(), String> {
    let file = read(path)?;
    let start = start_of(path, &file)?;
    let mut system = system(&start)?;
    system.velocities = vectors(&file, "velocities0")?;
    system.masses = numbers(&file, "masses_amu")?;
    one_per_atom("velocities", system.velocities.len(), &system)?;
    one_per_atom("masses", system.masses.len(), &system)?;
    close("mvv2e", &[stepmark::md::MVV2E], &[number(&file, "mvv2e")?], 1e-18)?;
    let cell = system.cell;
    with_potential(&start["model"], &cell, Moving { file: &file, system })
}

/// Compares the trajectory from a state with the file.
struct Moving<'a> {
    file: &'a Value,
    system: System,
}

impl Use for Moving<'_> {
    fn with<P: Potential + Copy>(self, potential: P) -> Result<(), String> {
        let Self { file, mut system } = self;
        let steps = file["steps"].as_u64().ok_or("steps is not a count")?;
        let dt_ps = number(file, "dt_ps")?;

        let mut moving = system.clone();
        let mut fast = field(potential, &moving, SKIN)?;
        let mut energies = vec![both(&moving, fast.forces())];
        for _ in 0..steps {
            integrate::run(&mut moving, &mut fast, dt_ps, 1);
            energies.push(both(&moving, fast.forces()));
        }
        check_end("list", file, &moving, &energies)?;

        let mut plain = PlainField::new(potential, system.atoms());
        let mut energies = vec![both(&system, plain.forces())];
        for _ in 0..steps {
            integrate::run(&mut system, &mut plain, dt_ps, 1);
            energies.push(both(&system, plain.forces()));
        }
        check_end("reference", file, &system, &energies)
    }
}

/// Potential and total energy.
fn both(system: &System, forces: &Forces) -> [f64; 2] {
    [forces.energy, forces.energy + system.kinetic_energy()]
}

fn check_end(
    how: &str,
    file: &Value,
    system: &System,
    energies: &[[f64; 2]],
) -> Result<(), String> {
    let say = |e: String| format!("{how}: {e}");
    for (k, key) in ["potential_energy", "total_energy"].into_iter().enumerate() {
        let got: Vec<f64> = energies.iter().map(|e| e[k]).collect();
        close(key, &got, &numbers(file, key)?, 1e-9).map_err(say)?;
    }
    let x = vectors(file, "positions_final")?;
    close("positions", system.positions.as_flattened(), x.as_flattened(), 1e-9).map_err(say)?;
    let v = vectors(file, "velocities_final")?;
    close("velocities", system.velocities.as_flattened(), v.as_flattened(), 1e-8).map_err(say)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &str = r#"{"model": {"kind": "lennard-jones", "variant": "cut", "epsilon_eV": 0.01,
        "sigma": 3.4, "cutoff": 8.5}, "cutoff": 8.5, "positions": [[0, 0, 0]], "species": ["Ar"],
        "cell": [[40, 0, 0], [0, 40, 0], [0, 0, 40]], "energy": 0, "forces": [[0, 0, 0]],
        "virial": [[0, 0, 0], [0, 0, 0], [0, 0, 0]], "stress": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        "neighbour_counts": [0], "n_directed_pairs": 0}"#;
    const NVE: &str = r#"{"start_from": "box.json", "velocities0": [[1, 0, 0]], "masses_amu": [40],
        "steps": 1, "dt_ps": 0.25, "mvv2e": 1.0364269652680506e-4, "positions_final": [[0.25, 0, 0]],
        "velocities_final": [[1, 0, 0]], "potential_energy": [0, 0],
        "total_energy": [2.0728539305361012e-3, 2.0728539305361012e-3]}"#;

    /// The role of the file for this kind beside the others, and the result of its check.
    fn outcome(kind: &Kind, files: &[(&str, &str)]) -> Option<Result<(), String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().join(files[0].0);
        ((kind.role)(&path) == Role::Case).then(|| (kind.check)(&path))
    }

    fn assert_fails(kind: &Kind, files: &[(&str, &str)], words: &str) {
        let err = outcome(kind, files).expect("no case").expect_err("all is well");
        assert!(err.contains(words), "{err}");
    }

    #[test]
    fn a_box_needs_no_count_but_may_not_contradict_it() {
        let with = |from: &str, to: &str| BOX.replace(from, to);
        let of = |text: &str| outcome(&LENNARD_JONES, &[("box.json", text)]);
        assert_eq!(of(BOX), Some(Ok(())), "without n_atoms");
        assert_eq!(of(&with("\"energy\"", "\"n_atoms\": 1, \"energy\"")), Some(Ok(())), "with");
        let two = with("\"energy\"", "\"n_atoms\": 2, \"energy\"");
        assert_fails(&LENNARD_JONES, &[("box.json", &two)], "n_atoms");
        let two = with("[\"Ar\"]", "[\"Ar\", \"Ar\"]");
        assert_fails(&LENNARD_JONES, &[("box.json", &two)], "2 species for 1 positions");
        let two = with("counts\": [0]", "counts\": [0, 0]");
        assert_fails(&LENNARD_JONES, &[("box.json", &two)], "2 neighbour_counts for 1");
    }

    #[test]
    fn a_damaged_file_is_a_case_of_the_kind_it_names() {
        let cut = [("box.json", &BOX[..99])];
        assert_fails(&LENNARD_JONES, &cut, "is not JSON");
        assert_eq!(outcome(&STILLINGER_WEBER, &cut), None, "the other potential");
        assert_eq!(outcome(&super::NVE, &cut), None, "no run");
        assert_fails(&super::NVE, &[("run.json", &NVE[..99])], "is not JSON");
        assert_eq!(outcome(&super::NVE, &[("run.txt", &NVE[..99])]), None, "not by name");
    }

    #[test]
    fn a_run_is_left_out_only_for_a_foreign_or_missing_start() {
        let run = |start| outcome(&super::NVE, &[("run.json", NVE), ("box.json", start)]);
        assert_eq!(run(BOX), Some(Ok(())), "as it should be");
        assert_eq!(run(&BOX.replace("lennard-jones", "tersoff")), None, "foreign");
        assert_eq!(outcome(&super::NVE, &[("run.json", NVE)]), None, "its start is not there");
        assert_fails(&super::NVE, &[("run.json", NVE), ("box.json", "{")], "box.json: is not JSON");
        let nameless = NVE.replace("\"box.json\"", "7");
        assert_fails(&super::NVE, &[("run.json", &nameless)], "start_from is not a name");
        let heavy = NVE.replace("[40]", "[40, 40]");
        assert_fails(&super::NVE, &[("run.json", &heavy), ("box.json", BOX)], "2 masses for 1");
    }
}
