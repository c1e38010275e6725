//! The entries of profiles of reduced-order models.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, Found, Unit};
use super::keys::{at, circumstances, number, numbers};

type Read = (Vec<Entry>, BTreeMap<String, String>);

const CONDITIONS: [&str; 5] =
    ["extended.lag", "extended.warmup", "extended.isa", "extended.machine", "extended.sources"];

const MEGABYTE: f64 = 1_048_576.0;

/// The file of one model. Its name holds its size: another size is another model.
pub(super) fn model(value: &Value) -> Read {
    let name = at(value, "model_name").as_str().unwrap_or("?");
    let size = |keys: &str| number(value, keys).map_or("?".to_owned(), |n| n.to_string());
    let (parameters, d) = (size("memory.model_parameters"), size("complexity.latent_dimension"));
    let head = format!("{name} ({parameters} parameters, d {d})");
    let steps = number(value, "extended.n_steps").or_else(|| {
        let all = number(value, "inference.full_trajectory.mean_seconds")?;
        Some((all / number(value, "throughput.seconds_per_step")?).round())
    });
    let steps = steps.map_or("all steps".to_owned(), |steps| format!("{steps} steps"));
    let time = |key: &str, what: &str| {
        let timing = at(value, &format!("inference.{key}")).clone();
        let mean = number(&timing, "mean_seconds")?;
        let samples = numbers(value, &format!("extended.{key}.seconds"));
        let found =
            samples.map(Found::Samples).or_else(|| moments(&timing)).unwrap_or(Found::Alone);
        Some(Entry::time(format!("{head}, {what}"), mean, found))
    };
    let mut entries = Vec::from_iter(time("single_step", "one step"));
    entries.extend(time("full_trajectory", &steps));
    let others = [
        ("most memory", Unit::Bytes, "memory.peak_mb", MEGABYTE),
        ("heap of a step", Unit::Bytes, "extended.heap_bytes_per_step", 1.0),
        ("valid steps", Unit::Number, "extended.accuracy.valid_steps", 1.0),
    ];
    entries.extend(others.into_iter().filter_map(|(what, unit, keys, scale)| {
        Some(Entry::other(format!("{head}: {what}"), unit, scale * number(value, keys)?))
    }));
    (entries, circumstances(value, &CONDITIONS))
}

/// The deviation of a timing, which is divided by the number of trials there.
fn moments(timing: &Value) -> Option<Found> {
    let (std, len) = (number(timing, "std_seconds")?, number(timing, "samples")?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = len as usize;
    (len > 1.0).then(|| Found::Moments { std: std * (len / (len - 1.0)).sqrt(), len: count })
}

/// A comparison of models: times over those of the first.
pub(super) fn models(value: &Value) -> Read {
    let all = [
        ("trajectory", "inference_speedup", "extended.full_trajectory_speedup"),
        ("one step", "extended.single_step_speedup", "extended.single_step_speedup"),
    ];
    let mut entries = Vec::new();
    for (what, plain, held) in all {
        for (pair, ratio) in at(value, plain).as_object().into_iter().flatten() {
            let ends = at(value, held).get(pair);
            let end = |key: &str| ends.and_then(|ends| number(ends, key));
            let (speedup, found) = match (end("ratio"), end("low"), end("high")) {
                (Some(ratio), Some(low), Some(high)) => {
                    (Some(ratio), Found::Interval { low: 1.0 / high, high: 1.0 / low })
                }
                _ => (ratio.as_f64(), Found::Alone),
            };
            let id = format!("{pair}, {what}: time over that of the first");
            let entry =
                |speedup| Entry { unit: Unit::Number, ..Entry::time(id, 1.0 / speedup, found) };
            entries.extend(speedup.map(entry));
        }
    }
    (entries, BTreeMap::new())
}

/// Times while one size grows.
pub(super) fn growth(value: &Value) -> Read {
    let text = |key: &str| at(value, key).as_str().unwrap_or("?").to_owned();
    let (model, size) = (text("model"), text("size"));
    let point = |point: &Value| {
        let (at, seconds) = (number(point, "value")?, number(point, "seconds")?);
        Some(Entry::time(format!("{model}, {size} {at}, one step"), seconds, Found::Alone))
    };
    let points = at(value, "points").as_array().into_iter().flatten();
    let mut entries: Vec<_> = points.filter_map(point).collect();
    let exponent = number(value, "exponent.ratio");
    entries.extend(exponent.map(|exponent| {
        Entry::other(format!("{model}, {size}: exponent"), Unit::Number, exponent)
    }));
    (entries, BTreeMap::new())
}
