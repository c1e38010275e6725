//! Files of something else, damaged ones, and those that would do harm.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

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
