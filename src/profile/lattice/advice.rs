//! Advice to a user, by the numbers of one profile.

use super::batches::Operation;
use super::found::Found;
use super::sweep::shown;
use super::times::peak;
use crate::draw::numbers::{count, percent};

/// Rates that coset's profilers aim at, in vectors per second.
const TARGETS: [(Operation, f64); 2] = [(Operation::Encoding, 1e5), (Operation::Decoding, 2e5)];
/// The share of the peak throughput, or of a roof, that counts as reached.
const REACHED: f64 = 0.9;
const BOUND: f64 = 0.75;

/// One sentence for each conclusion that the numbers allow.
pub(super) fn recommendations(found: &Found) -> Vec<String> {
    let (setup, quality) = (&found.conditions.setup, &found.conditions.quality);
    let mut lines = Vec::new();
    for sizes in &found.operations {
        let name = sizes[0].operation.name();
        let peak = peak(sizes);
        if let Some((_, target)) = TARGETS.iter().find(|(of, _)| *of == sizes[0].operation) {
            let verdict = if peak > *target { "exceeds" } else { "misses" };
            let target = count(*target);
            lines.push(format!("The peak rate of {name} {verdict} the target of {target} vec/s."));
        }
        let enough = sizes.iter().filter(|m| m.best.throughput() >= REACHED * peak);
        if let Some(least) = enough.map(|m| m.batch).min().filter(|least| *least > 1) {
            lines.push(format!(
                "For {name}, give each call {least} vectors or more: of the batch sizes tested, \
                 it is the smallest within {:.0} % of the peak rate.",
                100.0 * (1.0 - REACHED)
            ));
        }
        let largest = sizes.iter().max_by_key(|m| m.batch).expect("there are batch sizes");
        let share = largest.roof_share(&largest.best, &found.conditions.roofs);
        let (batch, roof) = (largest.batch, sizes[0].operation.roof_words());
        let so = if share >= BOUND {
            "faster arithmetic will not help batches that no cache holds"
        } else {
            "bandwidth does not limit it"
        };
        lines.push(format!(
            "At {batch} vectors, {name} moves {:.0} % of the {roof} roof of main memory: {so}.",
            100.0 * share
        ));
    }
    if let Err(why) = &found.operations[0][0].cuda {
        lines.push(format!("Nothing can be said about CUDA: {why}."));
    }
    if quality.overload_probability > 0.0 && !setup.protected {
        lines.push(format!(
            "{} of the vectors are overloaded and decode to points far from them: enlarge beta, or \
             use `--protected`.",
            percent(quality.overload_probability)
        ));
    }
    if let Some(sweep) = found.sweep.as_ref().filter(|sweep| sweep.best.is_inside) {
        let beta = shown(setup.sigma * sweep.best.beta);
        lines.push(format!(
            "For these data beta {beta} with protection is nearest to the Shannon bound; this \
             profile used {}.",
            setup.beta
        ));
    }
    lines
}
