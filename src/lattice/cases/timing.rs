//! Ratios within one process, which no bench sees, on a quiet core.
//!
//! `taskset -c 1 cargo test --release --lib -- --ignored --nocapture lattice::cases::timing`

use std::time::Instant;

use super::steps::Quantize;
use super::{Lattice, N, Plan, plain};
use crate::case::Step;
use crate::stats::{Samples, hodges_lehmann, signed_rank_interval};

/// Places in memory, of both.
const PLACES: usize = 24;
/// Rounds in one place; the order turns around from round to round.
const ROUNDS: usize = 40;

/// Steps that are timed at once.
const STEPS: usize = 20;

fn seconds(step: &mut impl Step) -> f64 {
    let start = Instant::now();
    (0..STEPS).for_each(|_| step.run());
    start.elapsed().as_secs_f64()
}

/// The most that the pages of a process were seen to move a ratio, either way. Several processes tell more.
const PAGES: f64 = 0.02;

/// The time of quantizing over that of encoding and then decoding: an estimate and its 95 % interval
/// over places, of the medians of their rounds.
fn ratio(plan: Plan) -> (f64, [f64; 2]) {
    let batch = plan.batch();
    let medians = (0..PLACES).map(|place| {
        // Moves what comes after it.
        let _moved = vec![0_u8; 4096 + 832 * place];
        let mut once = Quantize::new(&batch, false);
        let mut in_two = Quantize::new(&batch, true);
        let ratios = (0..ROUNDS).map(|round| {
            if round % 2 == 0 {
                let first = seconds(&mut once);
                first / seconds(&mut in_two)
            } else {
                let first = seconds(&mut in_two);
                seconds(&mut once) / first
            }
        });
        Samples::new(ratios).median()
    });
    let medians: Vec<f64> = medians.collect();
    let interval = signed_rank_interval(&medians, 0.95).expect("places enough");
    (hodges_lehmann(&medians), interval.into())
}

#[test]
#[ignore = "wants a quiet core"]
fn quantizing_takes_no_longer_than_encoding_and_then_decoding() {
    let mut slower = Vec::new();
    for lattice in Lattice::ALL {
        for n in [1, 10, 100, 1000, N] {
            let (estimate, [low, high]) = ratio(Plan { n, ..plain(lattice) });
            println!("{} n{n}: {estimate:.4} ({low:.4} to {high:.4})", lattice.name());
            if low > 1.0 + PAGES {
                slower.push((lattice.name(), n, estimate));
            }
        }
    }
    assert_eq!(slower, [], "longer");
}
