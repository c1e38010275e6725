use ndarray::{Array1, array};
use proptest::prelude::*;

use super::super::cases::{Size, synthetic};
use super::*;

/// A small model: 3 components, 4 units, 2 layers, windows of 6 states.
pub(super) fn model(norm: bool, scale: bool) -> Model {
    let scale = scale.then(|| Scale::new(array![1.0, 2.0, -3.0], array![0.1, 2.0, 1e-8]).unwrap());
    Model::new(synthetic(1, Size { d: 3, h: 4, layers: 2 }, norm, true), 6, scale).unwrap()
}

fn good() -> Vec<u8> {
    format::to_bytes(&model(true, true)).unwrap()
}

fn read(bytes: &[u8], options: &Options) -> Result<Model, String> {
    Model::from_bytes("m.safetensors", bytes, options).map_err(|e| e.to_string())
}

/// The file with its header changed.
fn edited(bytes: &[u8], edit: impl FnOnce(String) -> String) -> Vec<u8> {
    let len = usize::try_from(u64::from_le_bytes(*bytes.first_chunk().unwrap())).unwrap();
    let (header, data) = bytes[8..].split_at(len);
    let header = edit(String::from_utf8(header.to_vec()).unwrap());
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn replaced(from: &str, to: &str) -> Vec<u8> {
    edited(&good(), |header| {
        assert!(header.contains(from), "{header} has no {from}");
        header.replace(from, to)
    })
}

/// The fault of the good file once `from` in its header is `to`.
fn complaint(from: &str, to: &str) -> String {
    let message = read(&replaced(from, to), &Options::default()).expect_err("a bad file was read");
    assert!(message.starts_with("m.safetensors: "), "{message}");
    message
}

#[test]
fn a_saved_model_is_loaded_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    for (norm, scale) in [(true, true), (false, false)] {
        let (path, model) = (dir.path().join("m.safetensors"), model(norm, scale));
        model.save(&path).unwrap();
        let loaded = Model::load(&path, &Options::default()).unwrap();
        assert_eq!(loaded, model, "finite numbers are equal");
        let first = fs::read(&path).unwrap();
        loaded.save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first, "so are the bytes of the file");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn what_the_metadata_lacks_the_caller_must_state() {
    let bare = edited(&good(), |header| {
        let end = header.find("},").unwrap() + 2;
        format!("{{{}", &header[end..])
    });
    let (lag, residual) = (Some(6), Some(true));
    let stated = Options { lag, residual, scale: None };
    assert_eq!(read(&bare, &stated).unwrap(), model(true, true), "all is stated");
    let err = read(&bare, &Options { lag: None, ..stated.clone() }).unwrap_err();
    assert!(err.contains("no metadata `lag`"), "{err}");
    let err = read(&bare, &Options { residual: None, ..stated }).unwrap_err();
    assert!(err.contains("no metadata `residual`"), "{err}");
}

#[test]
fn a_statement_that_contradicts_the_file_is_an_error() {
    let none = Options::default();
    let scale = model(true, true).scale();
    let same = Options { lag: Some(6), residual: Some(true), scale: Some(scale) };
    assert!(read(&good(), &same).is_ok(), "the same again");
    let other = Scale::new(Array1::zeros(3), Array1::ones(3)).unwrap();
    for (options, words) in [
        (Options { lag: Some(5), ..none.clone() }, "`lag`: found 6, expected 5"),
        (Options { residual: Some(false), ..none.clone() }, "`residual`: found true"),
        (Options { scale: Some(other), ..none }, "`input_mean`: found another"),
    ] {
        let err = read(&good(), &options).unwrap_err();
        assert!(err.contains(words), "{err}");
    }
    for (name, value) in
        [("d", "3"), ("hidden_units", "4"), ("num_layers", "2"), ("use_layer_norm", "true")]
    {
        let err = complaint(&format!("\"{name}\":\"{value}\""), &format!("\"{name}\":\"7\""));
        let want = format!("`{name}`: found \"7\", expected {value}, as the tensors show");
        assert!(err.ends_with(&want), "{err}");
    }
    let python = replaced("\"residual\":\"true\"", "\"residual\":\"True\"");
    assert!(read(&python, &none).is_ok(), "as Python writes it");
}

#[test]
fn tensors_that_make_no_plain_network_are_refused() {
    for (from, to, words) in [
        ("lstm.bias_hh_l1", "lstm.bias_xx_l1", "`lstm.bias_xx_l1`: found a tensor"),
        ("layer_norm.bias", "layer_norm.best", "`layer_norm.best`: found a tensor"),
        ("\"out.weight\"", "\"lstm.weight_hr_l0\"", "`lstm.weight_hr_l0`: found a tensor"),
        (
            "\"F32\",\"shape\":[4]",
            "\"I32\",\"shape\":[4]",
            "`layer_norm.weight`: found I32 of shape [4], expected F32, 1-D",
        ),
        ("\"shape\":[3,4]", "\"shape\":[4,3]", "expected"),
        ("\"shape\":[3,4]", "\"shape\":[12]", "found F32 of shape [12]"),
        ("\"shape\":[16,3]", "\"shape\":[3,16]", "found shape [3, 16], expected [16, 3]"),
        ("\"shape\":[3,4]", "\"shape\":[1099511627776,1099511627776]", "whole safetensors"),
        ("\"lag\":\"6\"", "\"lag\":\"0\"", "`lag`: found 0"),
        ("\"lag\":\"6\"", "\"lag\":\"99999999999\"", "`lag`: found 99999999999"),
        ("\"lag\":\"6\"", "\"lag\":\"six\"", "`lag`: found \"six\", expected a whole number"),
        ("\"lag\":\"6\"", "\"lag\":\"6.5\"", "`lag`: found \"6.5\", expected a whole number"),
        (
            "\"residual\":\"true\"",
            "\"residual\":\"1\"",
            "`residual`: found \"1\", expected true or false",
        ),
    ] {
        let err = complaint(from, to);
        assert!(err.contains(words), "{from} to {to}: {err}");
    }
}

/// The good file with a prefix before the names of the network, and of the rest if so.
fn prefixed(prefix: &str, all: bool) -> Vec<u8> {
    edited(&good(), |header| {
        let names = ["lstm.", "layer_norm.", "out."].iter();
        let names = names.chain(all.then_some(&"input_"));
        names.fold(header, |header, name| {
            header.replace(&format!("\"{name}"), &format!("\"{prefix}{name}"))
        })
    })
}

#[test]
fn a_common_prefix_is_read_past() {
    let none = Options::default();
    for prefix in ["module.", "model.", "_orig_mod.", "_orig_mod.module.", "net.0."] {
        for all in [true, false] {
            assert_eq!(read(&prefixed(prefix, all), &none).unwrap(), model(true, true), "{prefix}");
        }
    }
    let err = read(&prefixed("my_", true), &none).unwrap_err();
    assert!(err.contains("`my_") && err.contains("expected only lstm.weight_ih_l0, "), "{err}");
    let two = replaced("\"out.bias\"", "\"module.out.bias\"");
    let err = read(&two, &none).unwrap_err();
    assert!(err.contains("`module.out.bias`: found a tensor, expected only"), "{err}");
    let less = edited(&prefixed("module.", true), |header| {
        header.replace("module.out.weight", "module.lstm.weight_ih_l2")
    });
    let err = read(&less, &none).unwrap_err();
    assert!(err.contains("`module.lstm."), "the name in the file: {err}");
}

/// The names of Rust's types say nothing to who wrote the file in Python.
#[test]
fn a_header_is_not_parsed_beyond_a_length() {
    // No header of the format, which would be parsed a second time to say why.
    let file = edited(&good(), |_| format!("[{}0]", "0,".repeat(1 << 19)));
    let why = read(&file, &Options::default()).unwrap_err();
    assert_eq!(why, "m.safetensors: `header`: found 1048579 bytes, expected at most 1048576");
    let blanks = edited(&good(), |header| {
        let len = header.len();
        header + &" ".repeat((1 << 20) - len)
    });
    assert_eq!(read(&blanks, &Options::default()).unwrap(), model(true, true), "as long as may be");
}

#[test]
fn a_header_that_is_not_of_the_format_is_told_in_its_own_words() {
    for (from, to, want) in [
        (
            "\"shape\":[3,4]",
            "\"shape\":[3,-1]",
            "`out.weight`: found shape [3,-1], expected whole numbers",
        ),
        (
            "\"shape\":[3,4]",
            "\"shape\":[3,4.0]",
            "`out.weight`: found shape [3,4.0], expected whole numbers",
        ),
        (
            "\"shape\":[3,4]",
            "\"shape\":\"3\"",
            "`out.weight`: found shape \"3\", expected whole numbers",
        ),
        (
            "\"shape\":[3,4]",
            "\"form\":[3,4]",
            "`out.weight`: found no shape, expected whole numbers",
        ),
        (
            "\"F32\",\"shape\":[3,4]",
            "\"float\",\"shape\":[3,4]",
            "`out.weight`: found dtype \"float\", expected a type of safetensors, as F32",
        ),
        ("\"lag\":\"6\"", "\"lag\":6", "`lag`: found 6, expected a text, as \"5\""),
        ("\"lag\":\"6\"", "\"lag\":null", "`lag`: found null, expected a text, as \"5\""),
        (
            "\"lag\":\"6\"",
            "\"lag\":six",
            "found no whole safetensors file (its header is no JSON at column",
        ),
    ] {
        let err = complaint(from, to);
        assert!(err.starts_with(&format!("m.safetensors: {want}")), "{err}");
    }
    for (header, want) in [
        ("[]", "`header`: found [], expected tensors by name"),
        ("{\"w\":1}", "`w`: found no dtype, expected a type of safetensors, as F32"),
        ("{\"__metadata__\":[1]}", "`__metadata__`: found [1], expected texts by name"),
        (
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
            "`w`: found data_offsets [0,4,8], expected two whole numbers",
        ),
        ("{", "found no whole safetensors file (its header is no JSON at column 1), expected one"),
        (
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[18446744073709551615,9],\"data_offsets\":[0,0]}}",
            "found no whole safetensors file (a shape that no memory holds), expected one",
        ),
    ] {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
        let err = read(&bytes, &Options::default()).unwrap_err();
        assert_eq!(err, format!("m.safetensors: {want}"));
    }
    let long = replaced("\"lag\":\"6\"", &format!("\"lag\":\"{}\"", "9".repeat(1000)));
    let err = read(&long, &Options::default()).unwrap_err();
    let nines = "9".repeat(40);
    let want =
        format!("m.safetensors: `lag`: found \"{nines}\"..., expected a whole number of states");
    assert_eq!(err, want);
}

/// The good file with its network behind `module.` and a second mean, bare, of these numbers.
fn with_two_means(bytes: &[u8], dtype: &str) -> Vec<u8> {
    let mut file = prefixed("module.", true);
    let end = file.len()
        - (8 + usize::try_from(u64::from_le_bytes(*file.first_chunk().unwrap())).unwrap());
    let offsets = format!("[{end},{}]", end + bytes.len());
    file = edited(&file, |header| {
        let header = header.trim_end().strip_suffix('}').unwrap();
        let shape = "\"shape\":[3],\"data_offsets\"";
        format!("{header},\"input_mean\":{{\"dtype\":\"{dtype}\",{shape}:{offsets}}}}}")
    });
    [&file, bytes].concat()
}

#[test]
fn two_normalisations_must_be_the_same() {
    let doubles = |x: [f64; 3]| x.map(f64::to_le_bytes).concat();
    let singles = |x: [f32; 3]| x.map(f32::to_le_bytes).concat();
    for same in [
        with_two_means(&doubles([1.0, 2.0, -3.0]), "F64"),
        with_two_means(&singles([1.0, 2.0, -3.0]), "F32"),
    ] {
        assert_eq!(read(&same, &Options::default()).unwrap(), model(true, true), "the same");
    }
    for other in [
        with_two_means(&doubles([1.0, 2.0, 3.0]), "F64"),
        with_two_means(&singles([1.0, 2.5, -3.0]), "F32"),
        with_two_means(&singles([1.0, 2.0, -3.0]), "I32"),
    ] {
        let want = "m.safetensors: `input_mean`: found other numbers than in `module.input_mean`, \
                    expected the same or one of the two";
        assert_eq!(read(&other, &Options::default()).unwrap_err(), want);
    }
}

#[test]
fn whole_numbers_may_be_written_as_python_writes_floats() {
    let floats = edited(&good(), |header| {
        header.replace("\"lag\":\"6\"", "\"lag\":\"6.0\"").replace("\"d\":\"3\"", "\"d\":\"3.0\"")
    });
    assert_eq!(read(&floats, &Options::default()).unwrap(), model(true, true), "6.0 is 6");
}

#[test]
fn a_pointer_of_git_lfs_is_named() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let err = read(pointer, &Options::default()).unwrap_err();
    assert!(err.contains("found a Git LFS pointer, expected the file itself"), "{err}");
}

/// A file without data that holds these tensors.
fn empty<'a>(tensors: impl Iterator<Item = (String, &'a str)>) -> Vec<u8> {
    let tensor = |(name, shape)| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[0,0]}}")
    };
    let header = format!("{{{}}}", tensors.map(tensor).collect::<Vec<_>>().join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

/// Beside an axis of 0 any other fits the data, of which there are none.
#[test]
fn an_empty_tensor_is_refused_however_long_its_other_axis() {
    for shape in ["[0,18446744073709551615]", "[9223372036854775808,0]", "[0,4]"] {
        let bytes = empty(std::iter::once(("out.weight".to_owned(), shape)));
        let err = read(&bytes, &Options::default()).unwrap_err();
        assert!(err.contains("`out.weight`: found shape [") && err.contains("length 0"), "{err}");
    }
}

#[test]
fn a_file_of_very_many_layers_is_searched_in_linear_time() {
    let layers = (0..14_000).map(|l| (format!("lstm.weight_ih_l{l}"), "[0]"));
    let bytes = empty(layers.chain([("strange".to_owned(), "[0]")]));
    let err = read(&bytes, &Options::default()).unwrap_err();
    assert!(err.contains("`strange`: found a tensor"), "{err}");
}

#[test]
fn nan_and_foreign_bytes_are_errors() {
    let good = good();
    let mut nan = good.clone();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let err = read(&nan, &Options::default()).unwrap_err();
    assert!(err.contains("found NaN") && err.contains("finite numbers"), "{err}");
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    for bytes in [&b""[..], &[0; 64], &huge, &good[..good.len() - 1]] {
        let err = read(bytes, &Options::default()).unwrap_err();
        assert!(err.contains("found no whole safetensors"), "{err}");
    }
    let gone = Model::load(Path::new("no/such"), &Options::default()).unwrap_err().to_string();
    assert!(gone.starts_with("no/such: "), "{gone}");
}

#[test]
fn a_normalisation_is_read_beside_the_network() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lstm_normalization.npz");
    let mut npz = npz::Writer::new(&path);
    npz.add("input_mean", array![1.0, 2.0].view()).unwrap();
    npz.add("input_std", array![0.5_f32, 4.0].view()).unwrap();
    npz.finish().unwrap();
    let scale = load_scale(&path).unwrap();
    assert_eq!(scale, Scale::new(array![1.0, 2.0], array![0.5, 4.0]).unwrap(), "scale");
    let bytes = format::to_bytes(&model(true, false)).unwrap();
    let err = read(&bytes, &Options { scale: Some(scale), ..Options::default() }).unwrap_err();
    assert!(err.contains("`input_mean`: found length 2, expected 3"), "{err}");
}

#[test]
fn a_forecast_is_in_the_units_of_the_data() {
    let (plain, scaled) = (model(true, false), model(true, true));
    let (mean, std) = (scaled.scale().mean().clone(), scaled.scale().std().clone());
    let states = Array2::from_shape_fn((6, 3), |(t, j)| 0.25 * (t + 2 * j) as f64 - 1.0);
    let y = plain.forecast(states.view(), 4);
    let y_scaled = scaled.forecast((&states * &std + &mean).view(), 4);
    let far = ((y_scaled - &mean) / &std - y).mapv(f64::abs).fold(0.0, |a: f64, b| a.max(*b));
    // 1e-8 around -3: the normalised states are only good to 1e-8.
    assert!(far < 1e-6, "off by {far:e}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        prefix in proptest::sample::select(&["", "module.", "_orig_mod.model."][..]),
        lag in proptest::sample::select(&["6", "6.0", "6e0", "1e99", "-6", "six"][..]),
        cut in 1_usize..4000,
        flips in prop::collection::vec((0_usize..1200, any::<u8>()), 0..5),
    ) {
        let lag = format!("\"lag\":\"{lag}\"");
        let mut bytes =
            edited(&prefixed(prefix, true), |header| header.replace("\"lag\":\"6\"", &lag));
        for (at, value) in flips {
            bytes[at] = value;
        }
        bytes.truncate(cut);
        let _ = read(&bytes, &Options::default());
    }
}
