//! The benches of any list of cases, by Criterion: all of `benches/wall.rs` and `benches/gpu.rs`
//! but the lists.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, io};

use criterion::{Criterion, SamplingMode, Throughput};
use regex::Regex;

use crate::case::{self, Case, EMULATED, Facts, OnDevice, Ready, Sampling, Step, Trouble};
use crate::machine::{self, workspace};
use crate::run::{self, Note, Run};

/// Times the cases of a list that run on the CPU; see [`with_scaling`].
pub fn main(cases: &[Case]) -> ExitCode {
    with_scaling(cases, &[])
}

/// Runs the command line of this process, which is that of Criterion, over those of `cases` that
/// run on the CPU, or with `--scaling` over those of `scaling`, in a run of its own.
///
/// Every case is checked before it is timed, and must have left the checked bits after. Samples go
/// to where `stepmark record` looks for them; a filter that matches no case is the exit code 2.
///
/// # Panics
///
/// If a case is wrong, or the run cannot be described under the target folder.
pub fn with_scaling(cases: &[Case], scaling: &[Case]) -> ExitCode {
    if let Some(flaw) = case::flaw(cases.iter().chain(scaling).map(|case| case.id.as_str())) {
        eprintln!("{flaw}");
        return ExitCode::from(2);
    }
    if env::args_os().any(|arg| arg == SCALING_OPTION) {
        return again_for_scaling().unwrap_or_else(|err| {
            eprintln!("this bench cannot be started again without {SCALING_OPTION}: {err}");
            ExitCode::FAILURE
        });
    }
    let mut criterion = settings(Sampling::CPU);
    let scales = env::var_os(SCALING).is_some();
    let (instrument, cases) = if scales { (SCALES, scaling) } else { (WALL, cases) };
    if scales {
        criterion = criterion.output_directory(&run::samples(&workspace::target(), instrument));
    }
    let (on_device, cases): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.is_on_device());
    let mut criterion = criterion.configure_from_args();
    let selected = time(&cases, instrument, &mut criterion);
    end(&criterion, selected, on_device)
}

/// Runs the command line of this process over those of `cases` that run on a device, of which
/// there need be none: that is said, and no error.
///
/// Every case is checked before and after it is timed. Samples go to where `stepmark record` looks
/// for them; a filter that matches no case is the exit code 2.
///
/// # Panics
///
/// If a case is wrong or its device fails, or the run cannot be described under the target folder.
pub fn gpu(cases: &[Case]) -> ExitCode {
    let (on_device, on_cpu): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.is_on_device());
    let cases: Vec<OnGpu<'_>> =
        on_device.into_iter().filter_map(|case| Some((case, case.device()?))).collect();
    let Some((_, device)) = cases.first() else {
        eprintln!("no case runs on a device");
        return ExitCode::from(2);
    };
    let facts = match device.facts() {
        Ok(Some(facts)) => facts,
        Ok(None) => {
            let ids = |cases: &[&Case]| -> Vec<String> {
                cases.iter().map(|case| case.id.clone()).collect()
            };
            let own: Vec<&Case> = cases.iter().map(|(case, _)| *case).collect();
            println!("{}", skipped(env::args().skip(1), &ids(&own), &ids(&on_cpu)));
            return ExitCode::SUCCESS;
        }
        Err(err) => {
            eprintln!("{err}");
            return ExitCode::FAILURE;
        }
    };
    let emulated = facts.implementation == EMULATED;
    let note = if emulated { ": few units in every case, times without meaning" } else { "" };
    println!("{}{note}", facts.device);
    // Away from wall times.
    let samples = run::samples(&workspace::target(), GPU);
    let criterion = settings(Sampling::DEVICE).output_directory(&samples);
    let mut criterion = criterion.configure_from_args();
    let selected = time_on_device(&cases, &facts, &mut criterion);
    end(&criterion, selected, on_cpu)
}

const WALL: &str = "wall";
const GPU: &str = "gpu";
const SCALES: &str = "scaling";

/// Asks for the other list.
const SCALING_OPTION: &str = "--scaling";

/// Says so to this executable, started again without the option.
const SCALING: &str = "STEPMARK_SCALING";

/// Starts this executable again without the option, which Criterion would refuse: it reads the
/// arguments of the process itself.
fn again_for_scaling() -> io::Result<ExitCode> {
    let arguments = env::args_os().skip(1).filter(|arg| arg != SCALING_OPTION);
    let mut again = Command::new(env::current_exe()?);
    again.args(arguments.collect::<Vec<OsString>>()).env(SCALING, "1");
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(again.exec())
    }
    #[cfg(not(unix))]
    {
        let code = again.status()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Whether a word of the command line is a filter, by Criterion's rules, that takes any of the ids.
fn is_filter_of<'a>(word: &str, mut ids: impl Iterator<Item = &'a str>) -> bool {
    let filter = Regex::new(word).ok().filter(|_| !word.starts_with('-'));
    filter.is_some_and(|filter| ids.any(|id| filter.is_match(id)))
}

/// Says how many cases of this bench the words of a command line select, where none of them can run.
fn skipped(words: impl Iterator<Item = String>, own: &[String], others: &[String]) -> String {
    let words: Vec<String> = words.collect();
    let is_taken =
        |id: &&String| words.iter().any(|word| is_filter_of(word, [id.as_str()].into_iter()));
    let taken = own.iter().filter(is_taken).count();
    // The value of an option looks like a filter, and takes nothing.
    let is_filtered = taken > 0 || others.iter().any(|id| is_taken(&id));
    match if is_filtered { taken } else { own.len() } {
        0 => "no case of this bench matches".to_owned(),
        count => format!("no CUDA device: {} skipped", case::count(count)),
    }
}

fn settings(Sampling { warm_up, measuring, samples }: Sampling) -> Criterion {
    let home = env::var_os("CRITERION_HOME").map(PathBuf::from);
    Criterion::default()
        // Criterion takes a relative target folder from another place than cargo.
        .output_directory(&home.unwrap_or_else(|| workspace::target().join("criterion")))
        .warm_up_time(warm_up)
        .measurement_time(measuring)
        .sample_size(samples)
        .without_plots()
}

/// Ends well if a case was selected, or one of the `others`, which another bench times: `cargo bench`
/// gives all benches the same filter.
fn end(criterion: &Criterion, selected: bool, others: Vec<&Case>) -> ExitCode {
    criterion.final_summary();
    if selected || env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let takes = |word: String| is_filter_of(&word, others.iter().map(|case| case.id.as_str()));
    if env::args().skip(1).any(takes) {
        println!("no case of this bench matches");
        return ExitCode::SUCCESS;
    }
    eprintln!("no case matches; `cargo bench -- --list` prints all ids");
    ExitCode::from(2)
}

/// Notes which cases a run timed, so that `stepmark record` takes their samples and no older ones.
struct Notes<F> {
    instrument: &'static str,
    /// Describes the run, once its first case is about to be timed.
    begin: F,
    run: Option<Run>,
}

impl<F: Fn() -> Run> Notes<F> {
    fn new(instrument: &'static str, begin: F) -> Self {
        Self { instrument, begin, run: None }
    }

    /// Forgets what an earlier run noted of a case that is about to be timed.
    fn open(&mut self, id: &str) {
        if measures() {
            self.run.get_or_insert_with(&self.begin);
            run::forget(&workspace::target(), self.instrument, id).expect(WRITABLE);
        }
    }

    /// Notes that a case was timed.
    fn close(&self, id: &str, implementation: &str) {
        if let Some(run) = &self.run {
            let (implementation, run) = (implementation.to_owned(), run.clone());
            let note = Note { id: id.to_owned(), implementation, run };
            run::write(&workspace::target(), self.instrument, id, &note).expect(WRITABLE);
        }
    }
}

/// Whether Criterion takes samples: `cargo test --benches`, `--test` and `--profile-time` do not.
fn measures() -> bool {
    let without = |arg: &String| arg == "--test" || arg.starts_with("--profile-time");
    env::args().any(|arg| arg == "--bench") && !env::args().any(|arg| without(&arg))
}

const WRITABLE: &str = "the target folder is writable";

/// Returns whether any case was selected.
fn time(cases: &[&Case], instrument: &'static str, c: &mut Criterion) -> bool {
    let mut selected = false;
    let mut notes = Notes::new(instrument, || {
        let source = workspace::built_from().unwrap_or_else(|err| panic!("{err}"));
        Run::begin(source, machine::wall())
    });
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
                let (step, digest) = step.get_or_insert_with(|| {
                    notes.open(&case.id);
                    checked(case)
                });
                step.spoil();
                b.iter(|| step.run());
                assert_eq!(step.digest(), *digest, "{}: the timed runs left other bits", case.id);
            });
            if step.is_some() {
                notes.close(&case.id, case.implementation);
                selected = true;
            }
        }
        group.finish();
    }
    selected
}

/// A case with the part of it that is on a device.
type OnGpu<'a> = (&'a Case, &'a dyn OnDevice);

/// Returns whether any case was selected.
fn time_on_device(cases: &[OnGpu<'_>], facts: &Facts, c: &mut Criterion) -> bool {
    let mut selected = false;
    let mut notes = Notes::new(GPU, || {
        // The sources compiled in, where only the executable was brought and none are there.
        let source = workspace::built_from().unwrap_or_else(|_| machine::SOURCE.to_owned());
        Run::begin(source, facts.environment.clone())
    });
    for (case, device) in cases {
        let mut group = c.benchmark_group(case.chapter());
        group.sampling_mode(SamplingMode::Flat);
        if facts.implementation != EMULATED {
            group.throughput(Throughput::Elements(case.work.units));
        }
        let fail = |when: &str, err: &Trouble| -> ! { panic!("{}: {when}: {err}", case.id) };
        // Prepared on the first of several calls, and dropped with the group: memory is short.
        let mut ready: Option<Box<dyn Ready>> = None;
        group.bench_function(case.function(), |b| {
            let ready = ready.get_or_insert_with(|| {
                notes.open(&case.id);
                device.ready().unwrap_or_else(|err| fail("not timed", &err))
            });
            ready.spoil().unwrap_or_else(|err| fail("not timed", &err));
            b.iter_custom(|count| {
                ready.time(count).unwrap_or_else(|err| fail("while timed", &err))
            });
            ready.check().unwrap_or_else(|err| fail("after its timed runs", &err));
        });
        group.finish();
        if ready.is_some() {
            notes.close(&case.id, facts.implementation);
            selected = true;
        }
    }
    selected
}

/// Prepares a case, once its answer is known to be right: the time of a wrong answer is not worth
/// having.
fn checked(case: &Case) -> (Box<dyn Step>, u64) {
    case.checked().unwrap_or_else(|err| panic!("{} is wrong, so it is not timed: {err}", case.id))
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn a_filter_takes_an_id_by_a_part_or_a_pattern_of_it_and_an_option_takes_none() {
        let ids = || iter::once("lattice/encode-d4-q4-m2/n10000");
        for filter in ["lattice", "encode-d4", "^lattice/.*(d4|e8).*/n10000$"] {
            assert!(is_filter_of(filter, ids()), "{filter}");
        }
        for other in ["mvar", "^encode", "--bench", "-e", "lattice/("] {
            assert!(!is_filter_of(other, ids()), "{other}");
        }
    }

    #[test]
    fn of_cases_that_cannot_run_those_that_are_selected_are_counted() {
        let ids = |all: &[&str]| all.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let (own, others) = (ids(&["a/gpu/n1", "a/gpu/n2"]), ids(&["a/cpu/n1", "b/cpu/n1"]));
        let said = |line: &str| skipped(line.split(' ').map(str::to_owned), &own, &others);
        assert_eq!(said("--bench"), "no CUDA device: 2 cases skipped", "all");
        assert_eq!(said("--bench --warm-up-time 0.1"), said("--bench"), "no filter");
        assert_eq!(said("--bench gpu/n1"), "no CUDA device: 1 case skipped", "one");
        assert_eq!(said("--bench b/"), "no case of this bench matches", "none");
    }
}
