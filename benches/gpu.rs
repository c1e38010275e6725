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
use stepmark::gpu::{Case, Device, Error, Ready, Timer};
use stepmark::machine::{self, workspace};
use stepmark::registry;
use stepmark::run::{self, Note, Run};

/// Returns whether any case was selected.
fn gpu(c: &mut Criterion, device: &Arc<Device>, target: &Path) -> bool {
    let cases = registry::gpu_cases();
    let mut timer = Timer::new(device).unwrap_or_else(|err| panic!("no timer: {err}"));
    let measures = env::args().any(|arg| arg == "--bench");
    // As compiled in: where only the executable was brought, there are no sources.
    let run = Run::begin(machine::SOURCE.to_owned(), device.environment().clone());
    let mut selected = false;
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
            if ready.is_none() && measures {
                run::forget(target, "gpu", &case.id).expect("target/stepmark is writable");
            }
            let ready = ready.get_or_insert_with(|| {
                Ready::new(case, &timer).unwrap_or_else(|err| fail(case, "not timed", &err))
            });
            ready.spoil().unwrap_or_else(|err| fail(case, "not timed", &err));
            b.iter_custom(|count| {
                ready.time(&mut timer, count).unwrap_or_else(|err| fail(case, "while timed", &err))
            });
            ready.check().unwrap_or_else(|err| fail(case, "after its timed runs", &err));
        });
        group.finish();
        selected |= ready.is_some();
        if ready.is_some() && measures {
            let implementation = if device.is_emulated() { "emulated" } else { "cuda" }.to_owned();
            let note = Note { id: case.id.clone(), implementation, run: run.clone() };
            run::write(target, "gpu", &case.id, &note).expect("target/stepmark is writable");
        }
    }
    selected
}

fn fail(case: &Case, when: &str, err: &Error) -> ! {
    panic!("{}: {when}: {err}", case.id)
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
        // In the folder of its run, away from wall times.
        .output_directory(&run::gpu_samples(&target))
        .configure_from_args();
    let selected = gpu(&mut criterion, &device, &target);
    criterion.final_summary();
    if selected || env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    eprintln!("no case matches; `--list` prints all ids");
    ExitCode::from(2)
}
