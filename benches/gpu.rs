//! Time of every GPU case, by CUDA events, through Criterion.
//!
//! This file knows no kernel. Cases come from the registry's list for the GPU; each is checked
//! before and after it is timed. Without a device it says so and ends well:
//!
//! ```text
//! cargo bench --bench gpu -- lattice/encode-d4
//! ```

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use stepmark::gpu::{Case, Device, Replay, Step, Timer};
use stepmark::run::{self, Run};
use stepmark::{machine, registry, workspace};

/// Launches of one replay of a graph.
const LAUNCHES: u32 = 20;

/// A case that is about to be timed.
struct Ready {
    step: Box<dyn Step>,
    /// The launches that are replayed, unless the case is cold.
    replay: Option<Replay>,
}

/// Returns whether any case was selected.
fn gpu(c: &mut Criterion, device: &Arc<Device>, target: &Path) -> bool {
    let cases = registry::gpu_cases();
    let mut timer = Timer::new(device).unwrap_or_else(|err| panic!("no timer: {err}"));
    let mut started = false;
    for case in &cases {
        let (group, function) = case.id.split_once('/').expect("an id is chapter/kernel/size");
        let mut group = c.benchmark_group(group);
        group.sampling_mode(SamplingMode::Flat);
        if !device.is_emulated() {
            group.throughput(Throughput::Elements(case.work.units));
        }
        // Prepared on the first of several calls, and dropped with the group: memory is short.
        let mut ready = None;
        group.bench_function(function, |b| {
            if !started {
                begin(device, &cases, target);
                started = true;
            }
            let Ready { step, replay } = ready.get_or_insert_with(|| prepare(case, device, &timer));
            let fail = |err| panic!("{}: {err}", case.id);
            step.spoil().unwrap_or_else(fail);
            b.iter_custom(|count| {
                match replay {
                    Some(replay) => timer.hot(replay, count),
                    None => timer.cold(count, || step.launch()),
                }
                .unwrap_or_else(|err| panic!("{}: {err}", case.id))
            });
            let after = step.check();
            after
                .unwrap_or_else(|err| panic!("{}: the timed runs left other bits: {err}", case.id));
        });
        group.finish();
    }
    started
}

fn prepare(case: &Case, device: &Arc<Device>, timer: &Timer) -> Ready {
    let checked = case.checked(device);
    let mut step =
        checked.unwrap_or_else(|err| panic!("{} is wrong, so it is not timed: {err}", case.id));
    let replay = (!case.cold).then(|| {
        let replay = timer.capture(LAUNCHES, || step.launch());
        replay.unwrap_or_else(|err| panic!("{}: {err}", case.id))
    });
    Ready { step, replay }
}

/// Marks the start of the run, and empties the folder that its samples go to.
fn begin(device: &Device, cases: &[Case], target: &Path) {
    if env::args().any(|arg| arg == "--bench") {
        let ids = cases.iter().map(|case| case.id.clone()).collect();
        // As compiled in: where only the executable was brought, there are no sources.
        Run::begin(machine::SOURCE.to_owned(), device.environment().clone(), ids)
            .and_then(|run| run.write(&run::folder(target, "gpu")))
            .expect("target/stepmark is writable");
    }
}

fn main() -> ExitCode {
    let device = match Device::open() {
        Ok(Some(device)) => device,
        Ok(None) => {
            println!("no CUDA device: {} cases skipped", registry::gpu_cases().len());
            return ExitCode::SUCCESS;
        }
        Err(err) => {
            eprintln!("{err}");
            return ExitCode::FAILURE;
        }
    };
    let note =
        if device.is_emulated() { ": few units in every case, times without meaning" } else { "" };
    println!("{}{note}", device.name());
    let target = workspace::target();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .without_plots()
        // Away from the wall times of cases with the same ids.
        .output_directory(&run::folder(&target, "gpu").join("criterion"))
        .configure_from_args();
    let selected = gpu(&mut criterion, &device, &target);
    criterion.final_summary();
    if selected || env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    eprintln!("no case matches; `--list` prints all ids");
    ExitCode::from(2)
}
