//! The steps of a profile as a trace: a span for each, and in it one for each part.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Error;
use super::document::MEGABYTE;
use super::measure::SAMPLED_EVERY;
use super::profile::Profile;
use super::record::{Kind, Record};
use crate::profile::trace::{self, Process, Thread, Trace};

/// The trace of all repeats, one after the other.
///
/// # Errors
///
/// Says which event is none.
pub(super) fn trace(profile: &Profile) -> Result<Vec<u8>, Error> {
    written(profile).map_err(|why| Error::Trace { why })
}

fn written(profile: &Profile) -> Result<Vec<u8>, trace::Error> {
    let document = &profile.document;
    let about = [("model", &document.model_name), ("notes", &document.notes)];
    let about: BTreeMap<_, _> = about.map(|(name, value)| (name.to_owned(), value.clone())).into();
    let mut trace = Trace::new(Vec::new(), &about)?;
    let process = trace.process(&document.name)?;
    let thread = trace.thread(process, "steps")?;
    let mut start = Duration::ZERO;
    for record in &profile.repeats {
        repeat(&mut trace, process, thread, start, &profile.parts, record)?;
        start += Duration::from_secs_f64(record.total_s);
    }
    trace.finish()
}

fn repeat(
    trace: &mut Trace<Vec<u8>>,
    process: Process,
    thread: Thread,
    from: Duration,
    parts: &[String],
    record: &Record,
) -> Result<(), trace::Error> {
    for step in 0..record.latency_ns.len() {
        let start = from + Duration::from_nanos(record.start_ns[step]);
        let took = Duration::from_nanos(record.latency_ns[step]);
        let name = match record.kinds[step] {
            Kind::Quiet => "step",
            Kind::Pruned => "step, list pruned",
            Kind::Rebuilt => "step, list built",
        };
        trace.span(thread, (name, "step"), start, took, &[])?;
        let mut at = start;
        for (name, ns) in in_order(parts, record, step) {
            let length = Duration::from_nanos(ns);
            if ns > 0 {
                trace.span(thread, (name, "part"), at, length, &[])?;
            }
            at += length;
        }
        if step.is_multiple_of(SAMPLED_EVERY) {
            let sample = step / SAMPLED_EVERY;
            if let Some(bytes) = record.resident_bytes.get(sample) {
                let value = *bytes as f64 / MEGABYTE;
                trace.counter(process, "resident, MB", at, &[("resident", value)])?;
            }
        }
    }
    Ok(())
}

/// The parts of a step as they follow each other.
fn in_order<'a>(parts: &'a [String], record: &Record, step: usize) -> Vec<(&'a str, u64)> {
    let place = |name: &str| parts.iter().position(|part| part == name);
    let spent = |at: usize| (&*parts[at], record.spent_ns[at][step]);
    let [integrate, check, other] =
        ["integrate", "check", "other"].map(|name| place(name).expect("every step has it"));
    let (name, moved) = spent(integrate);
    let first = record.first_ns[step];
    let mut all = vec![(name, first), spent(check)];
    all.extend((0..integrate).map(spent));
    all.push((name, moved - first));
    all.extend(place("stress").map(spent));
    all.push(spent(other));
    all
}
