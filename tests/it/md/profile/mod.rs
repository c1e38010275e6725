//! `stepmark profile md` as its users meet it: files, keys, messages.

mod bad_input;
#[cfg(unix)]
mod resume;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use stepmark::cli::{self, Exit, Suite};
use stepmark::md::extxyz::Frame;
use stepmark::md::{Field, StillingerWeber, System, boxes, integrate};
use stepmark::profile::md::comparison::Comparison;
use stepmark::profile::md::document::Document;
use stepmark::profile::md::extended::Extended;
use stepmark::profile::md::scaling::Scaling;

/// How a command ended, what it printed, and what went wrong.
fn run(args: &[&str]) -> (Exit, String, String) {
    let line = ["stepmark", "profile", "md"].iter().chain(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::profile()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a profile into a folder, without figures.
#[track_caller]
fn pass(folder: &Path, args: &str) -> String {
    let args: Vec<_> = args.split_whitespace().collect();
    let (exit, out, err) = run(&[&args[..], &["--output-dir", text(folder), "--no-plot"]].concat());
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{args:?}");
    out
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

fn json<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> T {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Frames of silicon at 300 K, a few steps apart, as a file.
fn frames(path: &Path, count: usize) -> Vec<System> {
    let mut si = boxes::silicon_crystal(2, 5.431);
    boxes::rattle(&mut si, 1, 0.05);
    boxes::thermalise(&mut si, 2, 300.0);
    let mut field = Field::new(StillingerWeber::SILICON, &si, 1.0).unwrap();
    let (mut all, mut file) = (Vec::new(), String::new());
    for _ in 0..count {
        integrate::run(&mut si, &mut field, 0.001, 3);
        file += &Frame::of(&si).to_text("frame").unwrap();
        all.push(si.clone());
    }
    fs::write(path, file).unwrap();
    all
}

#[test]
fn a_profile_of_64_atoms_of_silicon_has_all_files_and_they_fit_together() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("made/on demand");
    let to = ["--output-dir", text(dir)];
    let args = ["--model", "sw", "--export-traces", "--properties", "energy,forces,stress"];
    let (exit, printed, err) = run(&[&args[..], &to].concat());
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{printed}");
    let want = [
        "sw_energy.png",
        "sw_latency.png",
        "sw_phases.png",
        "sw_profile.extended.json",
        "sw_profile.json",
        "sw_profile.md",
        "sw_steps.csv",
        "sw_timeline.png",
        "sw_trace.json",
    ];
    assert_eq!(names(dir), want.map(str::to_owned).into(), "files");
    for name in want {
        assert!(printed.contains(name), "`{name}` in {printed}");
        if name.ends_with(".png") {
            let bytes = fs::read(dir.join(name)).unwrap();
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 20_000, "{name}");
        }
    }
    for part in ["system: silicon", "Loop time of", "ns/day", "forces", "Dangerous builds: 0"] {
        assert!(printed.contains(part), "`{part}` in {printed}");
    }
    let document = Document::load(&dir.join("sw_profile.json")).unwrap();
    let extended: Extended = json(dir, "sw_profile.extended.json");
    assert_eq!((document.n_steps, document.n_atoms), (100, Some(64)), "steps, atoms");
    assert_eq!((&*document.name, &*document.model_name), ("sw Profile", "sw"), "names");
    assert_eq!((extended.repeats.len(), extended.latency.steps), (3, 300), "repeats");
    assert_eq!(extended.phases_ms, extended.steps_ms, "parts add up");
    let sum: f64 = extended.phases.iter().map(|phase| phase.total_ms).sum();
    assert!((sum / extended.steps_ms - 1.0).abs() < 1e-9, "{sum} ms");
    let mine = extended.repeats.iter().find(|repeat| repeat.is_profile).unwrap();
    assert_eq!(mine.mean_ms, document.mean_latency_ms, "the same repeat");
    assert!(extended.validity.forces.bound_share <= 1.0, "{:?}", extended.validity);
    assert!(extended.validity.energy.unwrap().is_kept, "{:?}", extended.validity);
    let rows = fs::read_to_string(dir.join("sw_steps.csv")).unwrap();
    assert_eq!(rows.lines().count(), 301, "a row for each step");
    let trace: serde_json::Value = json(dir, "sw_trace.json");
    perfetto_draws(&trace, extended.steps_ms);
    let report = fs::read_to_string(dir.join("sw_profile.md")).unwrap();
    assert!(report.starts_with("# MD profile: sw, 64 atoms"), "{report}");
}

/// A trace as the importer of Perfetto reads it: spans with a start and a length in microseconds, on a
/// named thread of a named process; first a step, then the parts that it holds, which fill it.
fn perfetto_draws(trace: &serde_json::Value, steps_ms: f64) {
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |phase: &'static str| events.iter().filter(move |event| event["ph"] == phase);
    let named = |what: &str| of("M").filter(|event| event["name"] == what).count();
    assert_eq!((named("process_name"), named("thread_name")), (1, 1), "names");
    assert_eq!(of("C").count(), 30, "samples of memory");
    assert_eq!(of("M").count() + of("C").count() + of("X").count(), events.len(), "phases");
    let (mut steps, mut total, mut parts) = (0, 0.0, 0.0);
    let mut step = (0.0, 0.0);
    for event in of("X") {
        assert_eq!((&event["pid"], &event["tid"]), (&1.into(), &1.into()), "{event}");
        let [ts, dur] = ["ts", "dur"].map(|key| event[key].as_f64().unwrap());
        assert!(dur > 0.0 && event["name"].is_string(), "{event}");
        if event["cat"] == "step" {
            assert!(ts >= step.1 - 1e-3, "{event} begins before {step:?} ends");
            step = (ts, ts + dur);
            (steps, total) = (steps + 1, total + dur);
        } else {
            assert_eq!(event["cat"], "part", "{event}");
            let is_within = ts >= step.0 - 1e-3 && ts + dur <= step.1 + 1e-3;
            assert!(is_within, "{event} is not within {step:?}");
            parts += dur;
        }
    }
    assert_eq!(steps, 300, "all repeats");
    assert!((1e-3 * total / steps_ms - 1.0).abs() < 1e-3, "{total} us are {steps_ms} ms");
    assert!((parts / total - 1.0).abs() < 1e-3, "{parts} us of {total} us");
}

/// The program `stepmark` counts what the heap holds.
#[test]
fn the_program_knows_its_heap_and_holds_no_more_after_steps_than_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "md", "--model", "sw", "--no-plot", "--output-dir"]).arg(dir.path());
    assert!(command.output().unwrap().status.success(), "a profile");
    let extended: Extended = json(dir.path(), "sw_profile.extended.json");
    let heap = extended.memory.heap.unwrap();
    assert!(!heap.is_leak && heap.bytes_per_step == 0.0, "{:?}", extended.memory);
    assert!(extended.memory.heap_bytes.min() > 10_000.0, "{:?}", extended.memory);
}

#[test]
fn frames_of_a_file_are_profiled_and_compared_with_another_model() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.extxyz");
    let all = frames(&path, 14);
    let potential =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/potentials/silicon.tersoff");
    let to = dir.path().join("out");
    let args = format!(
        "--model {} --trajectory {} --reference sw --no-memory",
        text(&potential),
        text(&path)
    );
    pass(&to, &args);
    let document = Document::load(&to.join("silicon.tersoff_profile.json")).unwrap();
    assert_eq!((document.n_steps, document.n_atoms), (14, Some(64)), "all frames");
    assert_eq!((document.memory_initial_gb, document.memory_per_step_gb.len()), (0.0, 0), "memory");
    let extended: Extended = json(&to, "silicon.tersoff_profile.extended.json");
    let against = extended.validity.against.unwrap();
    assert_eq!((&*against.model, against.steps), ("sw", 3), "{against:?}");
    // Two potentials of one crystal: of one size, and not the same.
    assert!((0.01..1.0).contains(&against.force_rmse_share.unwrap()), "{against:?}");
    let same = format!("--model sw --trajectory {} --reference sw --n-steps 5", text(&path));
    pass(&to, &same);
    let extended: Extended = json(&to, "sw_profile.extended.json");
    assert!(extended.validity.against.unwrap().force_rmse_ev_per_angstrom < 1e-12, "the same");
    assert_eq!(extended.latency.steps, 15, "five of the frames, three times");
    let steps = fs::read_to_string(to.join("sw_steps.csv")).unwrap();
    let want = Field::new(StillingerWeber::SILICON, &all[4], 1.0).unwrap().forces().energy;
    let column = |line: &str| line.rsplit(',').nth(1).unwrap().parse::<f64>().unwrap();
    let energies: Vec<f64> = steps.lines().skip(1).map(column).collect();
    for energy in [energies[4], energies[9], energies[14]] {
        assert!((energy - want).abs() < 1e-9, "{energy} eV, not {want}");
    }
}

#[test]
fn sizes_have_their_true_numbers_and_all_models_their_reference() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path();
    let short = "--n-steps 10 --repeat 1 --warmup 2";
    let printed = pass(to, &format!("--model lj --system-sizes 60,32,64,108 {short}"));
    let scaling: Scaling = json(to, "lj_scaling.json");
    let atoms: Vec<_> = scaling.points.iter().map(|point| point.n_atoms).collect();
    assert_eq!((&*scaling.system, &atoms[..]), ("argon", &[32, 64, 108][..]), "60 is 64");
    assert!(scaling.exponent.is_some() && printed.contains("64 atoms, the nearest box to 60"));
    for n in atoms {
        let document = Document::load(&to.join(format!("lj_scaling_{n}.json"))).unwrap();
        assert_eq!(document.n_atoms, Some(n), "{n}");
    }
    let before = names(to);
    pass(to, &format!("--compare-all --system silicon {short}"));
    let new: Vec<_> = names(to).difference(&before).cloned().collect();
    let name = new.iter().find(|name| name.starts_with("comparison_") && name.ends_with(".json"));
    let found: Comparison = json(to, name.unwrap());
    let models: Vec<_> = found.models.iter().map(|model| &*model.model).collect();
    assert_eq!((&models[..], &*found.baseline), (&["sw", "sw-mixed"][..], "sw"), "{found:?}");
    assert_eq!((found.reference.as_deref(), found.models[0].speedup), (Some("sw"), 1.0));
    let off = found.models.iter().map(|model| model.force_rmse_ev_per_angstrom.unwrap());
    let off: Vec<f64> = off.collect();
    assert!(off[0] < 1e-12 && (1e-9..1e-3).contains(&off[1]), "{off:?}");
}
