use std::fs;
use std::io::Write as _;
use std::time::Instant;

use ndarray::array;
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::Options;
use super::super::tests::model;
use super::*;
use crate::lstm::{Model, net::Scale};

#[cfg(unix)]
mod fuzz;

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

#[test]
fn a_name_that_no_model_needs_is_refused_and_nothing_runs() {
    let canary = tempfile::tempdir().unwrap();
    let path = canary.path().join("made");
    let command = format!("touch {}", path.display());
    let calls = [
        [b"\x80\x02cposix\nsystem\n(", &*text(&command), b"tR."].concat(),
        [b"\x80\x04", &*text("posix"), &text("system"), b"\x93(", &text(&command), b"tR."].concat(),
    ];
    for call in calls {
        let why = converted(&call).unwrap_err();
        assert!(why.contains("found `posix.system`"), "{why}");
        assert!(!path.exists());
    }
    // The opcodes of old protocols build objects of any class.
    for (pickle, words) in [
        (&b"\x80\x02(cos\nsystem\no."[..], "`os.system`"),
        (b"\x80\x02(ios\nsystem\n.", "opcode 0x69"),
        (b"\x80\x05N.", "protocol 5"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "call of `numpy.ndarray` with other arguments"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "call of `torch.FloatStorage` with"),
        (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
            "byte 36 of its pickle: found a call of `torch._utils._rebuild_tensor_v2` with",
        ),
        (b"\x80\x02N)R.", "call of a value"),
        (b"\x80\x02}Nb.", "a state that does not fit"),
        (b"\x80\x02NQ.", "another reference"),
    ] {
        let why = converted(pickle).unwrap_err();
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn circles_and_nested_tuples_cost_no_more_than_they_hold() {
    let start = Instant::now();
    let why = converted(b"\x80\x02]q\x00h\x00a.").unwrap_err();
    assert!(why.contains("expected a dictionary"), "a list in itself: {why}");
    let why = converted(b"\x80\x02}q\x00X\x01\x00\x00\x00wh\x00s.").unwrap_err();
    assert!(why.contains("expected a tensor"), "a dictionary in itself: {why}");
    let doubled = [b"\x80\x02)".to_vec(), b"q\x00h\x00\x86".repeat(100_000), b".".to_vec()];
    let why = converted(&doubled.concat()).unwrap_err();
    assert!(why.contains("expected a dictionary"), "2^100000 tuples: {why}");
    let long = text(&"a".repeat(255));
    let again = b"h\x01h\x00h\x02\x86R0".repeat(1000);
    let encoded = [
        b"\x80\x02c_codecs\nencode\nq\x01",
        &*long,
        b"q\x00",
        &text("latin1"),
        b"q\x02",
        &again,
        b".",
    ];
    let why = converted(&encoded.concat()).unwrap_err();
    assert!(why.contains("more encoded bytes than the file holds"), "{why}");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

/// As `NumPy` pickles an array of one axis.
fn numpy(dtype: &str, order: &str, len: u8, bytes: &[u8]) -> Vec<u8> {
    [
        &b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"[..],
        &tuple(&[len]),
        b"cnumpy\ndtype\n",
        &text(dtype),
        b"\x89\x88\x87R(K\x03",
        &text(order),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C",
        &[u8::try_from(bytes.len()).unwrap()],
        bytes,
        b"tb",
    ]
    .concat()
}

#[test]
fn the_normalisation_is_an_array_of_numpy_or_a_list_or_a_tensor() {
    let doubles: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let singles: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let list = [
        b"](G".to_vec(),
        1.5_f64.to_be_bytes().to_vec(),
        b"G".to_vec(),
        (-2.0_f64).to_be_bytes().to_vec(),
        b"e".to_vec(),
    ];
    let mean = |mean: &[u8], is_normalised: bool| {
        let weights = [b"}".to_vec(), text("w"), tensor("1", 4, 0, &[4], &[1]), b"s".to_vec()];
        let mut items = [text("state_dict"), weights.concat(), text("normalize_input")].concat();
        items.push(if is_normalised { 0x88 } else { 0x89 });
        for name in ["input_mean", "input_std"] {
            items.extend([&text(name), mean].concat());
        }
        let file = converted(&[b"\x80\x02}(", &*items, b"u."].concat())?;
        let tensors = safetensors::SafeTensors::deserialize(&file).map_err(|e| e.to_string())?;
        Ok::<_, String>(tensors.tensor("input_mean").ok().map(|view| view.data().to_vec()))
    };
    for good in [&numpy("f8", "<", 2, &doubles), &numpy("f4", "<", 2, &singles), &list.concat()] {
        assert_eq!(mean(good, true).unwrap().unwrap(), doubles);
        assert_eq!(mean(good, false).unwrap(), None, "not normalised");
    }
    let tensor = mean(&tensor("0", 4, 0, &[2], &[1]), true).unwrap().unwrap();
    assert_eq!(tensor.len(), 8, "two floats");
    for bad in [
        numpy("f8", ">", 2, &doubles),
        numpy("i8", "<", 2, &doubles),
        numpy("f8", "<", 3, &doubles),
        numpy("f8", "<", 2, &doubles[..15]),
        b"N".to_vec(),
    ] {
        let why = mean(&bad, true).unwrap_err();
        assert!(why.contains("`input_mean`: found another value, expected an array"), "{why}");
    }
}

/// A dictionary of a state dictionary, which holds a tensor of 1 to 4 by this name, and of these
/// other items.
fn dictionary(tensor_name: &str, items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let weights = [b"}".to_vec(), text(tensor_name), tensor("1", 4, 0, &[4], &[1]), b"s".to_vec()];
    let items = items.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
    let state = [text("state_dict"), weights.concat()].concat();
    b"\x80\x02}(".iter().copied().chain(state).chain(items).chain(*b"u.").collect()
}

#[test]
fn a_normalisation_is_stated_once_and_with_its_flag() {
    let (yes, no, one) = (vec![0x88], vec![0x89], b"K\x01".to_vec());
    let bytes: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let turned: Vec<u8> = bytes.rchunks(8).flatten().copied().collect();
    let (array, other) = (numpy("f8", "<", 4, &bytes), numpy("f8", "<", 4, &turned));
    let none = b"N".to_vec();
    for (name, flag, mean, want) in [
        ("w", Some(&yes), &array, None),
        ("w", Some(&no), &array, None),
        ("w", Some(&no), &none, None),
        ("w", None, &none, None),
        ("input_mean", Some(&yes), &array, None),
        ("module.input_mean", Some(&yes), &array, None),
        ("input_mean", None, &none, None),
        (
            "w",
            None,
            &array,
            Some("`input_mean`: found it without `normalize_input`, expected True or False there"),
        ),
        (
            "w",
            Some(&one),
            &array,
            Some("`normalize_input`: found another value, expected True or False"),
        ),
        (
            "input_mean",
            Some(&yes),
            &other,
            Some(
                "`input_mean`: found other numbers than `input_mean` of `state_dict`, expected the \
                 same or one of the two",
            ),
        ),
        (
            "module.input_mean",
            Some(&no),
            &none,
            Some(
                "`module.input_mean`: found a tensor, expected none, as `normalize_input` is False",
            ),
        ),
    ] {
        let mut items = vec![("input_mean", mean.clone()), ("input_std", mean.clone())];
        items.extend(flag.map(|flag| ("normalize_input", flag.clone())));
        let got = converted(&dictionary(name, &items)).err();
        assert_eq!(got, want.map(|want| format!("m.pt: {want}")), "{name}");
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

#[test]
fn archives_of_something_else_are_refused() {
    let deflated = archive(b"\x80\x02}.", CompressionMethod::Deflated);
    let good = archive(b"\x80\x02}.", CompressionMethod::Stored);
    let read = |bytes: &[u8]| to_safetensors("m.pt", bytes).map_err(|e| e.to_string());
    let why = read(&deflated).unwrap_err();
    let want =
        "m.pt: `data.pkl`: found a member compressed by Deflate, expected one stored as it is";
    assert_eq!(why, want);
    let mut packed = deflated;
    let directory = packed.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for at in [8, directory + 10] {
        packed[at] = 12;
    }
    assert_eq!(read(&packed).unwrap_err(), want.replace("Deflate", "bzip2"));
    let why = read(&good[..good.len() - 30]).unwrap_err();
    assert!(why.contains("expected one written by torch.save"), "{why}");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("arr_0.npy", SimpleFileOptions::default()).unwrap();
    let why = read(&zip.finish().unwrap().into_inner()).unwrap_err();
    assert!(why.contains("`data.pkl`: found none"), "{why}");
    let why = converted(&vec![b'N'; (1 << 20) + 1]).unwrap_err();
    assert!(why.contains("expected at most 1048576"), "{why}");
}

#[test]
fn a_normalisation_that_fits_no_network_is_named() {
    let bytes = to_bytes(&model(true, true)).unwrap();
    let scale = Scale::new(array![1.0, 2.0, 3.0], array![1.0, 1.0, 1.0]).unwrap();
    let options = Options { scale: Some(scale), ..Options::default() };
    let why = Model::from_bytes("m.pt", &bytes, &options).unwrap_err().to_string();
    assert!(why.contains("`input_mean`: found another normalisation"), "{why}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..2000_usize,
        with in proptest::collection::vec(any::<u8>(), 1..6),
        opcodes in proptest::collection::vec(
            prop::sample::select(&b"().012qrhjNKMJGXCB}]taeuscQRb\x80\x85\x86\x87\x88\x89\x8a\x8c\x93\x94"[..]),
            0..200,
        ),
    ) {
        let _ = pickle::read(&bytes);
        let _ = pickle::read(&opcodes);
        let mut file = to_bytes(&model(true, true)).unwrap();
        let at = at % file.len();
        let end = (at + with.len()).min(file.len());
        file[at..end].copy_from_slice(&with[..end - at]);
        let _ = Model::from_bytes("m.pt", &file, &Options::default());
        // The archive's checksums catch most of that; a pickle that is whole again has none.
        let good = state(&[("w", tensor("0", 4, 0, &[2, 2], &[2, 1]))]);
        let mut pickle = good.clone();
        let at = at % pickle.len();
        pickle.splice(at..at + 1, with);
        let _ = converted(&pickle);
        for end in 0..good.len() {
            prop_assert!(converted(&good[..end]).is_err(), "cut at {end}");
        }
    }
}
