//! Vectors of potential files: what LAMMPS says of its own, and tables of the built-in metals.

use std::path::Path;

use serde_json::Value;
use stepmark::md::lammps::{FilePotential, Kind as Form};
use stepmark::md::{Cell, Field, Potential as _, System};

use super::conformance::{close, matrix, model_kind, number, read, vectors};
use crate::conformance::{Kind, Role};

pub(crate) const LAMMPS: Kind = Kind { name: "md lammps", role: lammps_role, check: check_lammps };
pub(crate) const SETFL: Kind = Kind { name: "md setfl", role: setfl_role, check: check_setfl };

/// One eV/angstrom^3 in bar, as LAMMPS has it.
const BAR: f64 = 1.602_176_5e6;

/// The numbers of LAMMPS, and the potential files beside them.
fn lammps_role(path: &Path) -> Role {
    let is_case = |path: &Path| path.file_name().is_some_and(|name| name == "lammps_ref.json");
    let has_case = || path.parent().is_some_and(|dir| dir.join("lammps_ref.json").exists());
    match () {
        () if is_case(path) => Role::Case,
        () if Form::of(path).is_some() && has_case() => Role::Part,
        () => Role::Other,
    }
}

fn check_lammps(path: &Path) -> Result<(), String> {
    let file = read(path)?;
    let cases = file.as_object().filter(|cases| !cases.is_empty()).ok_or("holds no cases")?;
    let faults = cases.iter().filter_map(|(name, case)| {
        check_case(path, case).err().map(|fault| format!("{name}: {fault}"))
    });
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let all = value[key].as_array().ok_or_else(|| format!("{key} is not a list"))?;
    let all: Option<_> = all.iter().map(|text| text.as_str().map(str::to_owned)).collect();
    all.ok_or_else(|| format!("{key} holds what is not a text"))
}

fn check_case(path: &Path, case: &Value) -> Result<(), String> {
    let style = case["style"].as_str().ok_or("style is not a text")?;
    let form: Form = style.trim_start_matches("pair_style ").parse()?;
    let coefficients = case["pair_coeff"].as_str().ok_or("pair_coeff is not a text")?;
    let name = coefficients.split_whitespace().nth(2).ok_or("pair_coeff names no file")?;
    let cell = Cell::new(matrix(case, "cell")?).map_err(|e| e.to_string())?;
    let (symbols, positions) = (texts(case, "symbols")?, vectors(case, "positions")?);
    let n = positions.len();
    let system = System::new(cell, &symbols, vec![1.0; n], positions);
    let potential = FilePotential::read(&path.with_file_name(name), Some(form), &system.elements)
        .map_err(|e| e.to_string())?;
    let (energy, forces) = (number(case, "energy")?, vectors(case, "forces")?);
    let pressure = case["pressure_bar_at_0K_run0"].as_array().ok_or("no pressure")?;
    let pressure: Option<Vec<f64>> = pressure.iter().map(Value::as_f64).collect();
    let pressure = pressure.ok_or("a pressure is not a number")?;
    let most = pressure.iter().fold(0.0, |most: f64, p| most.max(p.abs()));
    for skin in [0.0, 0.8] {
        let fast = Field::new(potential.clone(), &system, skin).map_err(|e| e.to_string())?;
        for got in [fast.forces(), &potential.reference(system.atoms())] {
            close("energy", &[got.energy], &[energy], 1e-9 * energy.abs())?;
            close("forces", got.forces.as_flattened(), forces.as_flattened(), 1e-9)?;
            let w = got.virial.map(|row| row.map(|w| w / cell.volume() * BAR));
            let got = [w[0][0], w[1][1], w[2][2], w[0][1], w[0][2], w[1][2]];
            close("pressure", &got, &pressure, 1e-9 * most + 1e-5)?;
        }
    }
    Ok(())
}

/// Tables in a folder of that name; their boxes are in the one above.
fn setfl_role(path: &Path) -> Role {
    let is_in_folder = path.parent().is_some_and(|dir| dir.ends_with("setfl"));
    if is_in_folder && Form::of(path).is_some() { Role::Case } else { Role::Other }
}

/// Compares the table with every box of its model.
fn check_setfl(path: &Path) -> Result<(), String> {
    let kind = match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if name.starts_with("Al_sc") => "sutton-chen",
        Some(name) if name.starts_with("Fe_fs") => "finnis-sinclair",
        Some(name) if name.starts_with("Si") => "stillinger-weber",
        _ => return Err("a table of an unknown model".to_owned()),
    };
    let is_table = Form::of(path) != Some(Form::StillingerWeber);
    let [energy_off, force_off, virial_off] =
        if is_table { [1e-5, 5e-7, 5e-6] } else { [1e-9, 1e-9, 1e-8] };
    let above = path.parent().and_then(Path::parent).ok_or("no folder above")?;
    let mut boxes = 0;
    for entry in above.read_dir().map_err(|e| e.to_string())? {
        let at = entry.map_err(|e| e.to_string())?.path();
        let Some(file) = at.extension().filter(|e| *e == "json").and_then(|_| read(&at).ok())
        else {
            continue;
        };
        if model_kind(&file) != Some(kind) || file.get("positions").is_none() {
            continue;
        }
        let say = |e: String| format!("{}: {e}", at.display());
        let system = super::models::system(&file).map_err(say)?;
        let potential =
            FilePotential::read(path, None, &system.elements).map_err(|e| e.to_string())?;
        let field = Field::new(potential, &system, 0.8).map_err(|e| e.to_string())?;
        let (got, forces) = (field.forces(), vectors(&file, "forces")?);
        close("energy", &[got.energy], &[number(&file, "energy")?], energy_off).map_err(say)?;
        let want = forces.as_flattened();
        close("forces", got.forces.as_flattened(), want, force_off).map_err(say)?;
        let want = matrix(&file, "virial")?;
        let tolerance = virial_off * if is_table { system.len() as f64 / 100.0 } else { 1.0 };
        close("virial", got.virial.as_flattened(), want.as_flattened(), tolerance.max(virial_off))
            .map_err(say)?;
        boxes += 1;
    }
    if boxes > 0 { Ok(()) } else { Err(format!("no box of {kind} beside it")) }
}
