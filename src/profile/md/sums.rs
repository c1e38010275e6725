//! Sums over the steps of all repeats: for the extended file.

use std::time::{Duration, Instant, SystemTime};

use super::document::{MEGABYTE, STABLE_MB};
use super::extended::{Kinds, Memory, OfKind, Phase, Repeat};
use super::growth::growth;
use super::measure::{Plan, SAMPLED_EVERY};
use super::record::{Kind, Measured, Record};
use crate::stats::Samples;

/// Builds of the list from which on their part of the time is told from that of steps without.
const FEWEST_BUILDS: usize = 5;

/// The repeat whose mean is the median of those of all; of an even number the slower middle one.
pub(super) fn middle(repeats: &[Record]) -> usize {
    let total = |k: &usize| repeats[*k].latency_ns.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..repeats.len()).collect();
    order.sort_by_key(total);
    order[order.len() / 2]
}

pub(super) fn milliseconds(ns: &[u64]) -> Samples {
    Samples::new(ns.iter().map(|ns| *ns as f64 / 1e6))
}

/// A time as `2000-12-31 23:59:59`, in UTC.
pub(super) fn timestamp(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', "")
}

/// Nanoseconds of one reading of the clock.
pub(super) fn clock_ns() -> f64 {
    const READINGS: u32 = 1000;
    let start = Instant::now();
    let last = (0..READINGS).fold(start, |_, _| Instant::now());
    (last - start).max(Duration::from_nanos(1)).as_secs_f64() * 1e9 / f64::from(READINGS)
}

pub(super) fn repeats(repeats: &[Record], profile: usize) -> Vec<Repeat> {
    let one = |(k, record): (usize, &Record)| {
        let steps = milliseconds(&record.latency_ns);
        Repeat {
            mean_ms: steps.mean(),
            median_ms: steps.median(),
            p99_ms: steps.p99(),
            total_s: record.total_s,
            is_profile: k == profile,
        }
    };
    repeats.iter().enumerate().map(one).collect()
}

pub(super) fn kinds(repeats: &[Record]) -> Kinds {
    let all: u64 = repeats.iter().flat_map(|record| record.latency_ns.iter()).sum();
    let of = |kind: Kind| {
        let steps = repeats.iter().flat_map(|record| record.latency_ns.iter().zip(&record.kinds));
        let steps = steps.filter(|(_, found)| **found == kind).map(|(ns, _)| *ns as f64 / 1e6);
        let steps = Samples::new(steps);
        (!steps.is_empty()).then(|| OfKind {
            steps: steps.len(),
            mean_ms: steps.mean(),
            median_ms: steps.median(),
            p99_ms: steps.p99(),
            max_ms: steps.max(),
            share_pct: 100.0 * steps.values().iter().sum::<f64>() / (all as f64 / 1e6),
        })
    };
    let [quiet, pruned, rebuilt] = Kind::ALL.map(of);
    Kinds { quiet, pruned, rebuilt }
}

pub(super) fn phases(measured: &Measured) -> Vec<Phase> {
    let repeats = &measured.repeats;
    let all: u64 = repeats.iter().flat_map(|record| record.latency_ns.iter()).sum();
    let median = Samples::new(
        repeats.iter().flat_map(|record| record.latency_ns.iter().map(|ns| *ns as f64)),
    );
    let median = median.median();
    let builds = repeats.iter().flat_map(|record| {
        let built =
            move |step: &usize| record.kinds[*step] == Kind::Rebuilt && !record.is_moved(*step);
        (0..record.kinds.len()).filter(built)
    });
    let is_rare = builds.count() < FEWEST_BUILDS;
    let busy = |of: &dyn Fn(&Record) -> &[u64]| {
        let each = repeats.iter().map(|record| {
            let counts = |step: usize| {
                record.is_plain(step, median) && !(is_rare && record.kinds[step] == Kind::Rebuilt)
            };
            let steps = of(record).iter().enumerate();
            steps.filter(|(step, _)| counts(*step)).map(|(_, ns)| *ns).sum::<u64>()
        });
        each.sum::<u64>() as f64
    };
    let all_busy = busy(&|record| &record.latency_ns).max(1.0);
    let phase = |(part, name): (usize, &String)| {
        let steps = || repeats.iter().flat_map(move |record| record.spent_ns[part].iter().copied());
        let called: Vec<u64> = steps().filter(|ns| *ns > 0).collect();
        let (calls, total) = (called.len(), called.iter().sum::<u64>());
        let kinds = repeats.iter().flat_map(|record| record.kinds.iter());
        let rebuilt = steps().zip(kinds).filter(|(_, kind)| **kind == Kind::Rebuilt);
        let rebuilt: Vec<f64> = rebuilt.map(|(ns, _)| ns as f64 / 1e6).collect();
        Phase {
            name: name.clone(),
            is_pass: measured.evaluation().contains(&part),
            calls,
            total_ms: total as f64 / 1e6,
            min_ms: called.iter().min().map_or(0.0, |ns| *ns as f64 / 1e6),
            mean_ms: total as f64 / 1e6 / calls.max(1) as f64,
            max_ms: called.iter().max().map_or(0.0, |ns| *ns as f64 / 1e6),
            rebuilt_mean_ms: (!rebuilt.is_empty())
                .then(|| rebuilt.iter().sum::<f64>() / rebuilt.len() as f64),
            share_pct: 100.0 * total as f64 / all as f64,
            busy_share_pct: 100.0 * busy(&|record| &record.spent_ns[part]) / all_busy,
        }
    };
    measured.parts.iter().enumerate().map(phase).filter(|phase| phase.calls > 0).collect()
}

pub(super) fn memory(plan: &Plan, measured: &Measured) -> Memory {
    let repeats = &measured.repeats;
    let known = plan.memory && measured.memory_reason.is_none();
    let of = |of: fn(&Record) -> &[u64]| -> Vec<u64> {
        repeats.iter().flat_map(|record| of(record).iter().copied()).collect()
    };
    let resident = if known { of(|record| &record.resident_bytes) } else { Vec::new() };
    let heap =
        if measured.heap_reason.is_none() { of(|record| &record.heap_bytes) } else { Vec::new() };
    let unknown =
        |reason: &Option<String>| reason.clone().unwrap_or_else(|| "not asked for".into());
    let resident_growth = match known {
        true => growth(&resident, SAMPLED_EVERY),
        false => Err(unknown(&measured.memory_reason)),
    };
    let heap_growth = match &measured.heap_reason {
        None => growth(&heap, SAMPLED_EVERY),
        reason => Err(unknown(reason)),
    };
    let ends = known.then(|| {
        let (first, last) = (&repeats[0], &repeats[repeats.len() - 1]);
        (last.final_bytes as f64 - first.initial_bytes as f64) / MEGABYTE
    });
    let samples = |bytes: Vec<u64>| Samples::new(bytes.into_iter().map(|bytes| bytes as f64));
    Memory {
        sampled_every: SAMPLED_EVERY,
        delta_mb: ends,
        is_stable: ends.map(|delta| delta.abs() < STABLE_MB),
        resident: resident_growth.as_ref().ok().copied(),
        resident_reason: resident_growth.err(),
        heap: heap_growth.as_ref().ok().copied(),
        heap_reason: heap_growth.err(),
        resident_bytes: samples(resident),
        heap_bytes: samples(heap),
    }
}
