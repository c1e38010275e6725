//! Vectors of the lattice codec: one JSON file per lattice, q, M and kind.
//!
//! `clean` files meet no tie, so every correct codec agrees with their `expect`. In `ties` files
//! `exact` follows the tie rule of this codec; `seed` is what another program returns, and is
//! right only where it says that it matches.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use stepmark::lattice::{Codec, Encoded, Form, Lattice, Layout, nearest};
use stepmark::machine::isa::Isa;

use crate::conformance::{Kind, Role};

pub(crate) const CLEAN: Kind =
    Kind { name: "lattice clean", role: |path| role(path, "clean"), check };
pub(crate) const TIES: Kind = Kind { name: "lattice ties", role: |path| role(path, "ties"), check };

const FORMAT: &str = "hnlq-vectors-v1";

#[derive(Deserialize)]
struct File {
    lattice: String,
    d: usize,
    q: u8,
    #[serde(rename = "M")]
    levels: usize,
    alpha: f64,
    max_scaling_iterations: u8,
    generator_columns: Vec<Vec<f64>>,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    overload_protection: bool,
    beta: f32,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    tag: String,
    x_bits: Vec<String>,
    nearest0: Vec<f32>,
    #[serde(alias = "exact")]
    expect: Coded,
}

#[derive(Deserialize)]
struct Coded {
    codes: Vec<Vec<u8>>,
    #[serde(rename = "T")]
    t: u8,
    overload: bool,
    decoded: Vec<f64>,
}

/// By content: any JSON file that names the format and has groups of cases, whatever its own name.
fn role(path: &Path, kind: &str) -> Role {
    if path.extension().is_none_or(|e| e != "json") {
        return Role::Other;
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    if !text.contains("hnlq-vectors") {
        return Role::Other;
    }
    let is_case = match serde_json::from_str::<Value>(&text) {
        Ok(file) => file.get("groups").is_some() && file["kind"] == kind,
        // Damaged files are cases too, so that they are reported.
        Err(_) => text.contains("\"groups\""),
    };
    if is_case { Role::Case } else { Role::Other }
}

fn check(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let file: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    same("format", &file["format"], &FORMAT.into())?;
    let file: File = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let lattice = Lattice::ALL
        .into_iter()
        .find(|l| l.name() == file.lattice)
        .ok_or(format!("unknown lattice {}", file.lattice))?;
    same("d", &lattice.dim(), &file.d)?;
    same("alpha", &1.0, &file.alpha)?;
    check_basis(lattice, &file)?;
    same("cases", &true, &file.groups.iter().any(|group| !group.cases.is_empty()))?;
    for group in &file.groups {
        let codec = Codec::new(lattice, file.q, file.levels, group.beta, group.overload_protection)
            .map_err(|e| e.to_string())?;
        if group.overload_protection {
            same("most scalings", &codec.max_scaling(), &file.max_scaling_iterations)?;
        }
        let Group { overload_protection, beta, cases } = group;
        let at = format!("protection {overload_protection}, beta {beta}");
        for (i, case) in cases.iter().enumerate() {
            check_case(&codec, case).map_err(|e| format!("{at}, case {i} ({}): {e}", case.tag))?;
        }
        for isa in Isa::available() {
            check_batch(&codec.clone().with_isa(isa), cases)
                .map_err(|e| format!("{at}, batch, {}: {e}", isa.name()))?;
        }
    }
    Ok(())
}

/// Digit 1 of coordinate i alone decodes to column i: no vector of its class mod 16 is shorter.
fn check_basis(lattice: Lattice, file: &File) -> Result<(), String> {
    let d = lattice.dim();
    same("basis vectors", &file.generator_columns.len(), &d)?;
    let codec = Codec::new(lattice, 16, 1, 1.0, false).map_err(|e| e.to_string())?;
    for (i, column) in file.generator_columns.iter().enumerate() {
        let mut codes = Encoded::new(&codec, Form::Digits(Layout::Rows), 1);
        codes.digits_mut()[i] = 1;
        same(&format!("basis vector {i}"), &as_f64(&decode(&codec, &codes)?), column)?;
    }
    Ok(())
}

fn check_case(codec: &Codec, case: &Case) -> Result<(), String> {
    let lattice = codec.lattice();
    let x = vector(case)?;
    same("length of x", &x.len(), &lattice.dim())?;

    let steps: Vec<f32> = x.iter().map(|x| x / codec.beta()).collect();
    same("nearest point", &nearest_point(lattice, &steps)?, &case.nearest0)?;

    let mut codes = Encoded::new(codec, Form::Packed, 1);
    codec.encode(&x, Layout::Rows, &mut codes).map_err(|e| e.to_string())?;
    let decoded = as_f64(&decode(codec, &codes)?);
    let d = lattice.dim();
    let level = |m: usize| (0..d).map(|k| codes.digit(0, m * d + k)).collect::<Vec<_>>();
    let digits: Vec<_> = (0..codec.levels()).map(level).collect();
    let (t, expect) = (codes.scaling(0), &case.expect);
    same("codes", &digits, &expect.codes)?;
    same("scaling", &t, &expect.t)?;
    same("overload", &codes.is_overloaded(0), &expect.overload)?;
    close("decoded", &decoded, &expect.decoded, 1e-5)?;
    if !expect.overload && t == 0 {
        let point: Vec<f64> = case.nearest0.iter().map(|y| f64::from(y * codec.beta())).collect();
        same("decoded, bit for bit", &decoded, &point)?;
    }
    Ok(())
}

/// All cases at once, in every layout and form.
fn check_batch(codec: &Codec, cases: &[Case]) -> Result<(), String> {
    let (d, n) = (codec.lattice().dim(), cases.len());
    let rows: Vec<f32> = cases.iter().map(vector).collect::<Result<Vec<_>, _>>()?.concat();
    let by_coordinate = |x: &[f32]| -> Vec<f32> {
        (0..d).flat_map(|k| x.iter().skip(k).step_by(d).copied()).collect()
    };
    let digits = codec.levels() * d;
    for (layout, form) in [Layout::Rows, Layout::Soa].into_iter().flat_map(|layout| {
        [Form::Packed, Form::Digits(Layout::Rows), Form::Digits(Layout::Soa)].map(|f| (layout, f))
    }) {
        let x = if layout == Layout::Rows { rows.clone() } else { by_coordinate(&rows) };
        let (mut codes, mut y) = (Encoded::new(codec, form, n), vec![0.0; x.len()]);
        codec.encode(&x, layout, &mut codes).map_err(|e| e.to_string())?;
        codec.decode(&codes, &mut y, layout).map_err(|e| e.to_string())?;
        for (i, Case { expect, .. }) in cases.iter().enumerate() {
            let what = |what| format!("{what} of case {i}, {layout:?} to {form:?}");
            let got: Vec<_> = (0..digits).map(|j| codes.digit(i, j)).collect();
            same(&what("codes"), &got, &expect.codes.concat())?;
            same(&what("scaling"), &codes.scaling(i), &expect.t)?;
            same(&what("overload"), &codes.is_overloaded(i), &expect.overload)?;
            let (first, step) = if layout == Layout::Rows { (i * d, 1) } else { (i, n) };
            let got: Vec<_> = (0..d).map(|k| f64::from(y[first + k * step])).collect();
            close(&what("decoded"), &got, &expect.decoded, 1e-5)?;
        }
    }
    Ok(())
}

fn vector(case: &Case) -> Result<Vec<f32>, String> {
    case.x_bits.iter().map(|bits| float(bits)).collect()
}

fn nearest_point(lattice: Lattice, x: &[f32]) -> Result<Vec<f32>, String> {
    let mut y = vec![0; x.len()];
    nearest(lattice, x, &mut y).map_err(|e| e.to_string())?;
    Ok(y.iter().map(|&y| y as f32 / f32::from(lattice.scale())).collect())
}

fn decode(codec: &Codec, codes: &Encoded) -> Result<Vec<f32>, String> {
    let mut x = vec![0.0; codec.lattice().dim()];
    codec.decode(codes, &mut x, Layout::Rows).map_err(|e| e.to_string())?;
    Ok(x)
}

fn float(bits: &str) -> Result<f32, String> {
    let hex = bits.strip_prefix("0x").ok_or(format!("{bits} is not hexadecimal"))?;
    u32::from_str_radix(hex, 16).map(f32::from_bits).map_err(|e| format!("{bits}: {e}"))
}

fn as_f64(x: &[f32]) -> Vec<f64> {
    x.iter().copied().map(f64::from).collect()
}

fn same<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what} is {got:?}, expected {want:?}")) }
}

/// Equal within a part `tolerance` of what is expected.
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    let near = |(got, want): (&f64, &f64)| (got - want).abs() <= tolerance * want.abs();
    if got.len() == want.len() && got.iter().zip(want).all(near) {
        Ok(())
    } else {
        Err(format!("{what} is {got:?}, expected {want:?} within {tolerance:e} of it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_no_case_and_a_damaged_file_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let roles = |text: &str| {
            let path = folder.path().join("x.json");
            fs::write(&path, text).unwrap();
            [CLEAN, TIES].map(|kind| ((kind.role)(&path) == Role::Case).then(|| check(&path)))
        };
        let file = r#"{"format": "hnlq-vectors-v0", "kind": "ties", "groups": []}"#;
        let [clean, ties] = roles(file);
        let err = ties.expect("a case").expect_err("another version");
        assert!(clean.is_none() && err.contains("hnlq-vectors-v0"), "{err}");
        assert!(roles(&file[..file.len() - 1]).iter().flatten().all(Result::is_err), "damaged");
        assert!(roles(&file[..file.len() - 1]).iter().all(Option::is_some), "of either kind");
        for other in [&file.replace("groups", "files"), &file.replace("hnlq", "other"), "{"] {
            assert_eq!(roles(other), [None, None], "{other}");
        }
    }
}
