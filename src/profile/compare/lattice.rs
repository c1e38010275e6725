//! The entries of profiles of the lattice codec.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, Found, Unit};
use super::keys::{at, circumstances, number, numbers};

type Read = (Vec<Entry>, BTreeMap<String, String>);

/// Circumstances of every file.
const CONDITIONS: [&str; 9] = [
    "extension.beta",
    "extension.protected",
    "extension.sigma",
    "extension.seed",
    "extension.warm_ups",
    "extension.iterations",
    "extension.implementation",
    "extension.cpu_simd.implementation",
    "extension.cuda.gpu",
];

/// `D4 q4 M2`.
fn code(value: &Value) -> String {
    let whole = |key: &str| number(value, key).map_or("?".to_owned(), |n| n.to_string());
    let lattice = at(value, "lattice_type").as_str().unwrap_or("?");
    format!("{lattice} q{} M{}", whole("q"), whole("M"))
}

/// The times of one implementation at these keys, if it was measured.
fn time(value: &Value, keys: &str, id: String) -> Option<Entry> {
    let times = at(value, keys);
    let mean = number(times, "mean_time")?;
    let found = match (numbers(times, "all_times"), number(times, "std_time")) {
        (Some(samples), _) => Found::Samples(samples),
        (None, Some(std)) => match number(value, "extension.iterations") {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            Some(len) => Found::Moments { std, len: len as usize },
            None => Found::Alone,
        },
        (None, None) => Found::Alone,
    };
    Some(Entry::time(id, mean, found))
}

/// What the codec loses, and what memory can do, which is the same in all rows of a file.
fn losses(value: &Value, code: &str) -> Vec<Entry> {
    let all = [
        (format!("{code}: squared error"), Unit::Number, "extension.quality.mse"),
        (format!("{code}: overload"), Unit::Number, "extension.quality.overload_probability"),
        ("roof of reading".to_owned(), Unit::Rate, "extension.roofs.read"),
        ("roof of writing".to_owned(), Unit::Rate, "extension.roofs.non_temporal_write"),
    ];
    let entry =
        |(id, unit, keys): (String, Unit, &str)| Some(Entry::other(id, unit, number(value, keys)?));
    all.into_iter().filter_map(entry).collect()
}

/// One operation at one batch size.
pub(super) fn codec(value: &Value) -> Read {
    let operation = match at(value, "extension.roof.name").as_str() {
        Some("read") => "encoding",
        Some("non_temporal_write") => "decoding",
        Some("copy") => "combined",
        _ if value.get("baseline_quantize").is_some() => "combined",
        _ => "encoding or decoding",
    };
    let (code, batch) = (code(value), number(value, "batch_size").unwrap_or_default());
    let all = [
        ("baseline", "scalar"),
        ("baseline_quantize", "scalar"),
        ("baseline_encode_decode", "scalar, two calls"),
        ("extension.cpu_simd", "best of the processor"),
        ("cuda_optimized", "cuda"),
    ];
    let one = |(keys, name): (&str, &str)| {
        time(value, keys, format!("{operation} {code}, n {batch}, {name}"))
    };
    let mut entries: Vec<_> = all.into_iter().filter_map(one).collect();
    entries.extend(losses(value, &code));
    (entries, circumstances(value, &CONDITIONS))
}

/// The errors of a matrix, and the time to find them.
pub(super) fn matrix(value: &Value) -> Read {
    let code = code(value);
    let side = |key: &str| number(value, key).unwrap_or_default();
    let head = format!("{code}, matrix {} by {}", side("batch_size"), side("matrix_size"));
    let id = format!("quantization {head}");
    let plain = || {
        let seconds = number(value, "quantization_time")?;
        Some(Entry::time(id.clone(), seconds, Found::Alone))
    };
    let timed = time(value, "extension.timing", id.clone()).or_else(plain);
    let others = [("squared error", "extension.mse"), ("signal to noise, dB", "extension.snr_db")];
    let mut entries = Vec::from_iter(timed);
    entries.extend(others.into_iter().filter_map(|(name, keys)| {
        let id = format!("{head}: {name}");
        Some(Entry::other(id, Unit::Number, number(value, keys)?))
    }));
    (entries, circumstances(value, &CONDITIONS))
}
