use std::io::Write as _;

use ndarray::{Array1, Array2, Ix1, Ix2, Ix3, arr0, array};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

mod damaged;

/// A `.npy` file with that header and that data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(header.len() + 1).unwrap();
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(len.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.push(b'\n');
    bytes.extend(data);
    bytes
}

/// The header of an array of `f64`.
fn header(shape: &str, fortran: bool) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '<f8', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// An archive with one deflated member, `x.npy`.
fn zipped(member: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(member).unwrap();
    zip.finish().unwrap().into_inner()
}

fn read<D: Dimension>(member: &[u8]) -> Result<Array<f64, D>, Error> {
    Archive::from_bytes("t.npz", zipped(member)).unwrap().array("x")
}

fn message<D: Dimension>(member: &[u8]) -> String {
    read::<D>(member).expect_err("a bad array was read").to_string()
}

/// A small archive as [`Writer`] leaves it.
fn good() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("good.npz");
    let mut writer = Writer::new(&path);
    writer.add("a", array![[1.0, -0.0], [f64::MIN_POSITIVE, 4.5]].view()).unwrap();
    writer.add("n", arr0(-7_i64).view()).unwrap();
    writer.add("single", array![1.5_f32, 0.1].view()).unwrap();
    assert!(!path.exists(), "the file appears before it is whole");
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn strings_are_saved_as_numpy_does_and_leave_arrays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text.npz");
    let mut writer = Writer::new(&path);
    writer.add_text("method", "mean");
    writer.add("a", array![1.0, 2.0].view()).unwrap();
    writer.add_text("none", "");
    writer.finish().unwrap();
    let mut archive = Archive::open(&path).unwrap();
    assert_eq!(archive.names(), ["a", "method", "none"], "all of them");
    assert_eq!(archive.array::<f64, Ix1>("a").unwrap(), array![1.0, 2.0], "beside strings");
    let why = archive.count("method").unwrap_err().to_string();
    assert!(why.contains("found type <U4"), "{why}");
    let mut member = Vec::new();
    io::Read::read_to_end(&mut archive.zip.by_name("method.npy").unwrap(), &mut member).unwrap();
    let text: Vec<u8> = "mean".bytes().flat_map(|c| [c, 0, 0, 0]).collect();
    let (head, data) = member.split_at(128);
    assert_eq!(data, text, "32 bits for each character, from byte 128 on");
    assert!(
        head.ends_with(b" \n") && head.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<U4'")
    );
}

#[test]
fn what_is_written_is_read_back_bit_for_bit() {
    let mut npz = Archive::from_bytes("good.npz", good()).unwrap();
    assert_eq!(npz.names(), ["a", "n", "single"], "names");
    let a: Array2<f64> = npz.array("a").unwrap();
    let want = [1.0, -0.0, f64::MIN_POSITIVE, 4.5].map(f64::to_bits);
    assert_eq!(a.mapv(f64::to_bits).into_raw_vec_and_offset().0, want, "bits of a");
    assert_eq!(npz.count("n").unwrap(), -7, "n");
    let single: Array1<f64> = npz.widened("single").unwrap();
    assert_eq!(single, array![1.5, f64::from(0.1_f32)], "widened");
    assert_eq!(npz.array::<f32, Ix1>("single").unwrap(), array![1.5, 0.1], "as it is");
}

#[test]
fn fortran_order_is_honoured() {
    let values = doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let c: Array2<f64> = read(&npy(&header("(2, 3)", false), &values)).unwrap();
    assert_eq!(c, array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "rows first");
    let f: Array2<f64> = read(&npy(&header("(2, 3)", true), &values)).unwrap();
    assert_eq!(f, array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]], "columns first");
    assert!(f.is_standard_layout(), "rows are contiguous after reading");
}

#[test]
fn another_type_shape_or_name_is_an_error_that_says_so() {
    let mut npz = Archive::from_bytes("good.npz", good()).unwrap();
    let missing = npz.array::<f64, Ix1>("b").unwrap_err().to_string();
    assert!(missing.contains("good.npz") && missing.contains("`b`"), "{missing}");
    let ndim = npz.array::<f64, Ix3>("a").unwrap_err().to_string();
    assert!(ndim.contains("[2, 2]") && ndim.contains("3-D"), "{ndim}");
    for (name, found) in [("single", "<f4"), ("n", "<i8")] {
        let err = npz.array::<f64, Ix1>(name).unwrap_err().to_string();
        assert!(err.contains(found) && err.contains("<f8"), "{err}");
    }
    // Named before its length, which would be wrong for eight bytes each.
    let halved = header("(2,)", false).replace("<f8", "<i4");
    let err = message::<Ix1>(&npy(&halved, &[0; 8]));
    assert!(err.ends_with("found type <i4, expected <f8 or >f8"), "{err}");
    let mut npz = Archive::from_bytes("t.npz", zipped(&npy(&halved, &[0; 8]))).unwrap();
    let err = npz.widened::<Ix1>("x").unwrap_err().to_string();
    assert!(err.ends_with("expected <f8 or >f8 or <f4 or >f4"), "only what is accepted: {err}");
}

#[test]
fn either_byte_order_is_read() {
    let swapped = header("(2,)", false).replace('<', ">");
    let bytes: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    assert_eq!(read::<Ix1>(&npy(&swapped, &bytes)).unwrap(), array![1.5, -2.0], "big-endian");
}

fn count(dtype: &str, shape: &str, bytes: &[u8]) -> Result<i64, String> {
    let member = npy(&header(shape, false).replace("<f8", dtype), bytes);
    let mut npz = Archive::from_bytes("t.npz", zipped(&member)).unwrap();
    npz.count("x").map_err(|e| e.to_string())
}

#[test]
fn a_count_may_be_of_any_integer_type_and_of_one_element() {
    for (dtype, bytes, want) in [
        ("<i8", &[5, 0, 0, 0, 0, 0, 0, 0][..], 5),
        ("<i4", &[0xfe, 0xff, 0xff, 0xff], -2),
        (">i4", &[0, 0, 1, 2], 258),
        (">u2", &[0xff, 0xfe], 65534),
        ("|u1", &[200], 200),
        ("|i1", &[200], -56),
        ("<u8", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], i64::MAX),
    ] {
        for shape in ["()", "(1,)", "(1, 1)", "(1L,)"] {
            assert_eq!(count(dtype, shape, bytes), Ok(want), "{dtype} {shape}");
        }
    }
    for (dtype, shape, bytes, words) in [
        ("<u8", "()", &[0xff; 8][..], "found 18446744073709551615, expected at most"),
        ("|u1", "(2,)", &[1, 2], "found shape [2], expected a single number"),
        ("|u1", "(0,)", &[], "found shape [0], expected a single number"),
        ("<f8", "()", &[0; 8], "found type <f8, expected <i8 or >i8 or <i4"),
        ("|b1", "()", &[1], "found type |b1"),
    ] {
        let err = count(dtype, shape, bytes).unwrap_err();
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn the_long_integers_of_python_2_are_read() {
    let values = doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let read: Array2<f64> = read(&npy(&header("(2L, 3L)", false), &values)).unwrap();
    assert_eq!(read, array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "(2L, 3L)");
}

#[test]
fn a_pointer_and_a_member_that_cannot_be_unpacked_are_named() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec();
    let err = Archive::from_bytes("p.npz", pointer).unwrap_err().to_string();
    assert!(err.starts_with("p.npz: found a Git LFS pointer, expected the file itself"), "{err}");
    // The method stands 8 bytes into the local header and 10 into the one of the directory.
    for (method, name) in [
        (9, "Deflate64"),
        (12, "bzip2"),
        (14, "LZMA"),
        (93, "Zstandard"),
        (95, "XZ"),
        (97, "method 97 of the zip format"),
        (255, "method 255 of the zip format"),
    ] {
        let mut bytes = zipped(&npy(&header("(1,)", false), &doubles(&[1.0])));
        let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        for at in [8, directory + 10] {
            bytes[at] = method;
        }
        let err = Archive::from_bytes("t.npz", bytes).unwrap().array::<f64, Ix1>("x").unwrap_err();
        let want = format!(
            "t.npz: array `x`: found a member compressed by {name}, expected one as numpy.savez \
             and numpy.savez_compressed write it"
        );
        assert_eq!(err.to_string(), want);
    }
}

#[test]
fn messages_are_one_line_and_list_ten_names_at_most() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for k in 0..12 {
        zip.start_file(format!("a{k:02}.npy"), SimpleFileOptions::default()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let err = Archive::from_bytes("t.npz", bytes).unwrap().array::<f64, Ix1>("b").unwrap_err();
    let err = err.to_string();
    assert!(err.contains("\"a09\"] and 2 more, expected `b`") && !err.contains("a10"), "{err}");
    let err = message::<Ix1>(&npy("{'descr': !}", &[]));
    assert!(err.contains("expected the header of an array") && !err.contains('\n'), "{err}");
}

#[test]
fn nan_and_infinity_are_errors_on_both_ways() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let err = message::<Ix1>(&npy(&header("(2,)", false), &doubles(&[1.0, bad])));
        assert!(err.contains("`x`") && err.contains("NaN or infinity"), "{err}");
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(&dir.path().join("bad.npz"));
        assert!(writer.add("x", array![bad].view()).is_err(), "{bad} was written");
    }
}

#[test]
fn a_claimed_length_is_never_believed() {
    for (shape, found) in [
        ("(1099511627776,)", "at most 268435456 bytes"),
        ("(4294967296, 4294967296, 2)", "4294967296"),
        ("(0, 18446744073709551615)", "18446744073709551615"),
        ("(99999999999999999999999,)", "shape"),
        ("(3,)", "16 bytes of data"),
        ("(1,)", "at least 9 bytes of data"),
        ("()", "at least 9 bytes of data"),
    ] {
        let member = npy(&header(shape, false), &doubles(&[1.0, 2.0]));
        let err = message::<Ix1>(&member);
        assert!(err.contains(found), "{shape}: {err}");
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    // 64 MiB of zeros deflate to 64 KiB; the header claims two numbers.
    let member = npy(&header("(2,)", false), &vec![0; 1 << 26]);
    let bytes = zipped(&member);
    assert!(bytes.len() < 1 << 17, "the bomb is small");
    let mut npz = Archive::from_bytes("bomb.npz", bytes).unwrap();
    let err = npz.array::<f64, Ix1>("x").unwrap_err().to_string();
    assert!(err.contains("at least 17 bytes"), "{err}");
}

/// An archive of `x` of which 64 bytes are free instead of 256 MiB.
fn strict(member: &[u8], method: CompressionMethod) -> Archive {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
    zip.write_all(member).unwrap();
    let mut npz = Archive::from_bytes("t.npz", zip.finish().unwrap().into_inner()).unwrap();
    assert_eq!(npz.free, 1 << 28, "what is free");
    npz.free = 64;
    npz
}

#[test]
fn an_array_may_be_as_large_as_its_file_backs() {
    let values: Vec<_> = (0..9000).map(|i| f64::from(i).sin()).collect();
    let windows: Vec<_> = values.windows(30).flatten().copied().collect();
    for (values, method) in [
        (&values, CompressionMethod::Stored),
        (&values, CompressionMethod::Deflated),
        (&windows, CompressionMethod::Deflated),
    ] {
        let member = npy(&header(&format!("({},)", values.len()), false), &doubles(values));
        let read: Array1<f64> = strict(&member, method).array("x").unwrap();
        assert_eq!(read.to_vec(), *values, "{} numbers, {method}", values.len());
    }
    // Zeros take a thousandth of their size.
    let member = npy(&header("(100000,)", false), &vec![0; 800_000]);
    let mut npz = strict(&member, CompressionMethod::Deflated);
    let most = 64 * npz.len;
    let why = npz.array::<f64, Ix1>("x").unwrap_err().to_string();
    let end =
        why.strip_prefix("t.npz: array `x`: found shape [100000], expected at most ").unwrap();
    let limit: u64 = end.strip_suffix(" bytes").unwrap().parse().unwrap();
    assert!(64 < limit && limit < most, "{limit} of {most}: {why}");
}

#[test]
fn a_packed_size_is_never_believed() {
    let member = npy(&header("(100000,)", false), &vec![0; 800_000]);
    let mut bytes = zipped(&member);
    // It stands 18 bytes into the local header and 20 into the one of the directory.
    let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for at in [18, directory + 20] {
        bytes[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    }
    let mut npz = Archive::from_bytes("t.npz", bytes).unwrap();
    npz.free = 64;
    let why = npz.array::<f64, Ix1>("x").unwrap_err().to_string();
    assert!(why.contains("found shape [100000], expected at most"), "{why}");
}

#[test]
fn a_deep_or_long_header_is_refused_before_it_is_parsed() {
    let deep = format!("{}{}", "(".repeat(2000), ")".repeat(2000));
    assert!(message::<Ix1>(&npy(&deep, &[])).contains("nested"), "deep");
    let long = " ".repeat(5000);
    assert!(message::<Ix1>(&npy(&long, &[])).contains("5001 bytes"), "long");
    let mut huge = npy(&header("(1,)", false), &doubles(&[1.0]));
    huge.splice(6..10, [2, 0, 0xff, 0xff, 0xff, 0xff]);
    assert!(message::<Ix1>(&huge).contains("4294967295 bytes"), "version 2");
}

#[test]
fn foreign_empty_and_damaged_files_are_errors() {
    for bytes in [&b""[..], b"PK", b"\x93NUMPY\x01\x00", &[0; 300]] {
        let err = Archive::from_bytes("f.npz", bytes.to_vec()).unwrap_err().to_string();
        assert!(err.starts_with("f.npz: found no whole zip"), "{err}");
    }
    for member in [&b""[..], b"\x93NUMPY", b"hello, world, this is not an array", &[0x80; 99]] {
        assert!(message::<Ix1>(member).contains("`x`"), "{member:?}");
    }
    let whole = npy(&header("(1,)", false), &[]);
    for end in [1, 9, 11, whole.len() - 1] {
        let want = "t.npz: array `x`: found the end of the member, expected a whole array";
        assert_eq!(message::<Ix1>(&whole[..end]), want, "cut at {end}");
    }
    let stored = good();
    let at = stored.windows(8).position(|w| w == 4.5_f64.to_le_bytes()).unwrap();
    let mut flipped = stored;
    flipped[at] ^= 1;
    let err = Archive::from_bytes("f.npz", flipped).unwrap().array::<f64, Ix2>("a").unwrap_err();
    assert!(err.to_string().contains("checksum"), "{err}");
    let gone = Archive::open(Path::new("no/such/file.npz")).unwrap_err().to_string();
    assert!(gone.starts_with("no/such/file.npz: "), "{gone}");
}
