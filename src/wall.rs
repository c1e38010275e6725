//! The wall bench of any list of cases, by Criterion: all of `benches/wall.rs` but the list.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};

use crate::case::{self, Case, Step};
use crate::machine::{self, workspace};
use crate::run::{self, Note, Run};

/// Runs the command line of this process, which is that of Criterion, over `cases`.
///
/// Every case is checked before it is timed, and must have left the checked bits after. Samples go
/// to where `stepmark record` looks for them; a filter that matches no case is the exit code 2.
///
/// # Panics
///
/// If a case is wrong, or the run cannot be described under the target folder.
pub fn main(cases: &[Case]) -> ExitCode {
    if let Some(flaw) = case::flaw(cases.iter().map(|case| case.id.as_str())) {
        eprintln!("{flaw}");
        return ExitCode::from(2);
    }
    // Long enough for a steady median, short enough that all cases take under five minutes.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(60)
        .without_plots()
        .configure_from_args();
    let selected = time(cases, &mut criterion);
    criterion.final_summary();
    if selected || env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    eprintln!("no case matches; `cargo run -- list` prints all ids");
    ExitCode::from(2)
}

/// Returns whether any case was selected.
fn time(cases: &[Case], c: &mut Criterion) -> bool {
    // `cargo test --benches` comes here too, but measures nothing.
    let measures = env::args().any(|arg| arg == "--bench");
    let mut run = None;
    let mut selected = false;
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
                if step.is_none() && measures {
                    run.get_or_insert_with(begin);
                    run::forget(&workspace::target(), "wall", &case.id)
                        .expect("the target folder is writable");
                }
                let (step, digest) = step.get_or_insert_with(|| checked(case));
                step.spoil();
                b.iter(|| step.run());
                assert_eq!(step.digest(), *digest, "{}: the timed runs left other bits", case.id);
            });
            selected |= step.is_some();
            if let (Some(_), Some(run)) = (step, &run) {
                note(run, case);
            }
        }
        group.finish();
    }
    selected
}

/// Describes the run that starts now.
fn begin() -> Run {
    let source = workspace::built_from().unwrap_or_else(|err| panic!("{err}"));
    Run::begin(source, machine::wall())
}

/// Notes that a case was timed, so that `stepmark record` takes its samples.
fn note(run: &Run, case: &Case) {
    let (id, implementation) = (case.id.clone(), case.implementation.to_owned());
    let note = Note { id, implementation, run: run.clone() };
    run::write(&workspace::target(), "wall", &case.id, &note)
        .expect("the target folder is writable");
}

/// Prepares a case, once its answer is known to be right: the time of a wrong answer is not worth
/// having.
fn checked(case: &Case) -> (Box<dyn Step>, u64) {
    case.checked().unwrap_or_else(|err| panic!("{} is wrong, so it is not timed: {err}", case.id))
}
