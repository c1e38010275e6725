//! Wall-clock time of every CPU case, by Criterion.
//!
//! This file knows no kernel. To time something new, add a `Case` to its chapter; the registry
//! brings it here. Run one case, or one chapter, by its name:
//!
//! ```text
//! cargo bench --bench wall -- lattice/encode-d4
//! ```

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use stepmark::case::{Case, Step};
use stepmark::machine;
use stepmark::registry;
use stepmark::run::{self, Run};

/// Returns whether any case was selected.
fn wall(c: &mut Criterion) -> bool {
    let cases = registry::cases();
    let ids: Vec<String> = cases.iter().map(|case| case.id.clone()).collect();
    let mut started = false;
    for chapter in cases.chunk_by(|a, b| a.chapter() == b.chapter()) {
        let mut group = c.benchmark_group(chapter[0].chapter());
        // Equal iterations in every sample, so that quantiles of the samples mean something.
        group.sampling_mode(SamplingMode::Flat);
        for case in chapter {
            group.throughput(Throughput::Elements(case.work.units));
            // Criterion calls the closure several times, and not at all for a case the user
            // filtered out, so prepare on the first call and keep it.
            let mut step = None;
            group.bench_function(case.function(), |b| {
                if !started {
                    begin(&ids);
                    started = true;
                }
                let (step, digest) = step.get_or_insert_with(|| checked(case));
                step.spoil();
                b.iter(|| step.run());
                assert_eq!(step.digest(), *digest, "{}: the timed runs left other bits", case.id);
            });
        }
        group.finish();
    }
    started
}

/// Marks the start of the run, so that `stepmark record` takes no older samples.
fn begin(ids: &[String]) {
    // `cargo test --benches` comes here too, but measures nothing.
    if env::args().any(|arg| arg == "--bench") {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp");
        Run::begin(machine::wall(), ids.to_vec())
            .and_then(|run| run.write(&run::folder(target, "wall")))
            .expect("target/stepmark is writable");
    }
}

/// Prepares a case, once its answer is known to be right: the time of a wrong answer is not worth
/// having.
fn checked(case: &Case) -> (Box<dyn Step>, u64) {
    case.checked().unwrap_or_else(|err| panic!("{} is wrong, so it is not timed: {err}", case.id))
}

fn main() -> ExitCode {
    // Long enough for a steady median, short enough that all cases take under five minutes.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(60)
        .without_plots()
        .configure_from_args();
    let selected = wall(&mut criterion);
    criterion.final_summary();
    if selected || env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    eprintln!("no case matches; `cargo run -- list` prints all ids");
    ExitCode::from(2)
}
