//! Files as torch writes them, and the models in them.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};

use ndarray::array;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::super::Options;
use super::super::tests::model;
use super::*;
use crate::lstm::{Model, net::Scale};

#[cfg(unix)]
mod fuzz;
mod normalisation;
mod refused;

/// An archive of a pickle and two storages of four numbers each.
fn archive(pickle: &[u8], compression: CompressionMethod) -> Vec<u8> {
    let numbers: Vec<u8> = (1_u8..=4).flat_map(|n| f32::from(n).to_le_bytes()).collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in [("data.pkl", pickle), ("data/0", &numbers), ("data/1", &numbers)] {
        zip.start_file(format!("any/{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn converted(pickle: &[u8]) -> Result<Vec<u8>, String> {
    to_safetensors("m.pt", &archive(pickle, CompressionMethod::Stored)).map_err(|e| e.to_string())
}

fn text(text: &str) -> Vec<u8> {
    [&[0x8c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn tuple(lengths: &[u8]) -> Vec<u8> {
    let lengths = lengths.iter().flat_map(|n| [b'K', *n]);
    [b'('].into_iter().chain(lengths).chain([b't']).collect()
}

/// A tensor of the storage `key`, which has `len` numbers.
fn tensor(key: &str, len: u8, offset: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    [
        &b"ctorch._utils\n_rebuild_tensor_v2\n(("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text(key),
        &text("cuda:0"),
        &[b'K', len, b't', b'Q', b'K', offset],
        &tuple(shape),
        &tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtR",
    ]
    .concat()
}

/// The same with numbers of another type.
fn of_doubles(tensor: &[u8]) -> Vec<u8> {
    let name = b"FloatStorage";
    let at = tensor.windows(name.len()).position(|part| part == name).unwrap();
    [&tensor[..at], b"DoubleStorage", &tensor[at + name.len()..]].concat()
}

fn state(tensors: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = tensors.iter().flat_map(|(name, tensor)| [text(name), tensor.clone()].concat());
    b"\x80\x02}(".iter().copied().chain(items).chain(*b"u.").collect()
}

#[test]
fn a_saved_model_is_loaded_as_the_same_one_as_from_safetensors() {
    let dir = tempfile::tempdir().unwrap();
    for (norm, scale) in [(true, true), (false, false)] {
        let (path, model) = (dir.path().join("m.pt"), model(norm, scale));
        model.save(&path).unwrap();
        assert_eq!(Model::load(&path, &Options::default()).unwrap(), model, "finite numbers");
        let first = fs::read(&path).unwrap();
        model.save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first, "the same bytes");
    }
}

#[test]
fn a_tensor_is_read_by_its_strides() {
    let file = converted(&state(&[
        ("turned", tensor("0", 4, 0, &[2, 2], &[1, 2])),
        ("part", tensor("1", 4, 1, &[2], &[2])),
        ("more", tensor("1", 4, 0, &[1], &[9])),
    ]));
    let file = file.unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        let (values, _) = tensors.tensor(name).unwrap().data().as_chunks();
        values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    assert_eq!(numbers("turned"), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(numbers("part"), [2.0, 4.0]);
    assert_eq!(numbers("more"), [1.0]);
}

#[test]
fn weights_of_another_type_are_refused_by_name() {
    let double = of_doubles(&tensor("0", 2, 0, &[2, 1], &[1, 1]));
    let file = archive(&state(&[("lstm.weight_ih_l0", double)]), CompressionMethod::Stored);
    let options = Options { residual: Some(true), ..Options::default() };
    let why = Model::from_bytes("m.pt", &file, &options).unwrap_err().to_string();
    let want = "m.pt: `lstm.weight_ih_l0`: found F64 of shape [2, 1], expected F32, 2-D";
    assert_eq!(why, want);
}

#[test]
fn tensors_that_overlap_or_exceed_their_storage_are_refused_by_name() {
    for (tensors, words) in [
        (vec![("w", tensor("0", 4, 0, &[2, 2], &[1, 1]))], "`w`: found shape [2, 2] by strides"),
        (vec![("w", tensor("0", 4, 0, &[3], &[0]))], "do not overlap"),
        (vec![("w", tensor("0", 4, 1, &[2, 2], &[2, 1]))], "number 4 of its storage"),
        (vec![("w", tensor("0", 5, 0, &[5], &[1]))], "16 bytes in `data/0`, expected 5 numbers"),
        (vec![("w", tensor("7", 4, 0, &[4], &[1]))], "no entry `data/7`"),
        (
            vec![("v", tensor("0", 4, 0, &[3], &[1])), ("w", tensor("0", 4, 2, &[2], &[1]))],
            "`w`: found numbers that are also of `v`",
        ),
        // The bytes of the two doubles are those of the four floats.
        (
            vec![
                ("v", of_doubles(&tensor("0", 2, 0, &[2], &[1]))),
                ("w", tensor("0", 4, 3, &[1], &[1])),
            ],
            "`w`: found numbers that are also of `v`",
        ),
        (vec![("w", b"K\x01".to_vec())], "`w`: found another value, expected a tensor"),
    ] {
        let why = converted(&state(&tensors)).unwrap_err();
        assert!(why.starts_with("m.pt: ") && why.contains(words), "{why}");
    }
}

/// The saved model with `from` in its pickle replaced.
fn edited(from: &[u8], to: &[u8]) -> Vec<u8> {
    let bytes = to_bytes(&model(true, true)).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry.name().ends_with("data.pkl") {
            let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
            bytes.splice(at..at + from.len(), to.iter().copied());
        }
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(entry.name(), stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_lag_may_be_a_float_but_must_be_whole() {
    let six = [&b"lag\x8a\x08"[..], &6_u64.to_le_bytes()].concat();
    let read = |lag: f64| {
        let float = [&b"lagG"[..], &lag.to_be_bytes()].concat();
        Model::from_bytes("m.pt", &edited(&six, &float), &Options::default())
    };
    assert_eq!(read(6.0).unwrap(), model(true, true));
    for (lag, shown) in [(6.5, "6.5"), (-6.0, "-6"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let why = read(lag).unwrap_err().to_string();
        let want = format!("m.pt: `lag`: found \"{shown}\", expected a whole number of states");
        assert_eq!(why, want);
    }
}
