//! `stepmark rom --config` as its users meet it: messages, and kills at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::IxDyn;
use stepmark::cli::Exit;
use stepmark::file::npz;
use stepmark::lstm;
use stepmark::lstm::model::Options;

use super::commands::{pass, said, text};

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rom").join(name)
}

/// All files below a folder but the journal and what was being written, without what was measured.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if name != "pipeline.jsonl" && !name.contains(".tmp") {
                all.insert(name.clone(), without_times(&name, fs::read(&path).unwrap()));
            }
        }
    }
    all
}

fn without_times(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    match name {
        "summary.json" => {
            let text = String::from_utf8(bytes).unwrap();
            let is_measured =
                |line: &&str| line.contains("timestamp") || line.contains("total_time");
            let kept: Vec<_> = text.lines().filter(|line| !is_measured(line)).collect();
            kept.join("\n").into_bytes()
        }
        "MVAR/mvar_model.npz" => {
            let mut file = npz::Archive::from_bytes(name, bytes).unwrap();
            let names = file.names();
            let numbers = |name: &String| match file.count(name) {
                Ok(count) => vec![count.to_string()],
                Err(_) => {
                    let array = file.widened::<IxDyn>(name).unwrap();
                    array.iter().map(|x| x.to_bits().to_string()).collect()
                }
            };
            let kept = names.iter().filter(|name| *name != "training_seconds");
            format!("{:?}", kept.map(numbers).collect::<Vec<_>>()).into_bytes()
        }
        "LSTM/lstm_state_dict.pt" | "LSTM/lstm.safetensors" => {
            let model = lstm::Model::from_bytes(name, &bytes, &Options::default()).unwrap();
            format!("{:?}{:?}{}", model.net().parts(), model.scale(), model.lag()).into_bytes()
        }
        _ => bytes,
    }
}

#[test]
fn what_a_configuration_would_run_is_said_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let base = config("vicsek-morse-base.yaml");
    let args = ["--config", text(&base), "--name", "base", "--output", text(&output), "--explain"];
    let out = pass(&args);
    for words in [
        "without effect here: sim.neighbor_rebuild, seed, out_dir, ",
        "train: 50 runs of 200 particles, 3000 steps and 301 frames each",
        "pod: 15050 frames of 64 x 64 cells, the modes of 0.995 of the energy",
        "mvar: lag 4, ridge_alpha 0.000001",
        "disk: about ",
        "time: simulation about ",
    ] {
        assert!(out.contains(words), "{words}:\n{out}");
    }
    assert!(!output.exists(), "nothing is written");
}

#[test]
fn wrong_configurations_and_options_are_usage_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.yaml");
    let tiny = fs::read_to_string(config("tiny.yaml")).unwrap();
    let refused = |args: &[&str], words: &str| {
        let (exit, out, err) = said(args);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    };
    fs::write(&file, tiny.replace("fixed_modes", "fixed_mode").replace("N: 40", "N: 0")).unwrap();
    let own = text(&file);
    refused(&["--config", own, "--name", "x"], "own.yaml: 2 problems\n  line 3: sim.N: found 0");
    refused(&["--config", own, "--name", "x"], "rom.fixed_mode: no key has this name; the nearest");
    refused(&["--config", own, "--name", "a/b"], "expected a name without slashes");
    refused(&["--config", "gone.yaml", "--name", "x"], "gone.yaml: No such file");
    refused(&["--name", "x"], "--config");
    refused(&["--config", own, "--name", "x", "--jobs", "0"], "--jobs");
    refused(&["--config", own, "--name", "x", "--from", "middle"], "simulate, pod, fit, evaluate");
    let unnamed = tiny.replace("experiment_name: tiny", "fixed_mode: 3");
    fs::write(&file, unnamed).unwrap();
    refused(&["--config", own, "--allow-unknown", "--output", "x"], "found no --name");
    refused(&["--no-plot"], "found no --config");
    let output = folder.path().join("out");
    let args = ["--config", own, "--allow-unknown", "--name", "x", "--output", text(&output)];
    let out = pass(&[&args[..], &["--explain"]].concat());
    assert!(out.contains("unknown, and not read: fixed_mode"), "{out}");
    let late = [&args[..], &["--from", "evaluate", "--no-profile"]].concat();
    let (exit, _, err) = said(&late);
    assert_eq!(exit, Exit::Usage, "{err}");
    assert!(err.contains("found no test_000/density_true.npz; run the stages before"), "{err}");
}

#[cfg(unix)]
mod killed {
    use std::process::{Child, Command, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant, SystemTime};

    use super::*;

    /// The stages that a journal has ended, and the seconds that each took.
    fn ended(folder: &Path) -> Vec<(String, f64)> {
        let journal = fs::read_to_string(folder.join("pipeline.jsonl")).unwrap_or_default();
        let stage = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let stage = line.get("stage")?;
            Some((stage["stage"].as_str()?.to_owned(), stage["seconds"].as_f64()?))
        };
        journal.lines().filter_map(stage).collect()
    }

    fn start(folder: &Path) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
        command.args(["rom", "--no-profile", "--config"]).arg(config("tiny.yaml"));
        command.arg("--output").arg(folder).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Kills a pipeline so many times in each stage, each time from its start; every one of them ends
    /// with the files of one that nobody killed.
    fn kill(times: usize) {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole");
        assert!(start(&whole).wait().unwrap().success(), "one that nobody kills");
        let (want, stages) = (files(&whole), ended(&whole));
        assert_eq!(stages.len(), 4, "{stages:?}");
        for (before, (stage, seconds)) in stages.iter().enumerate() {
            let (mut kills, mut tries) = (0, 0);
            while kills < times {
                tries += 1;
                assert!(tries < 20 * times + 20, "{stage}: {kills} kills in {tries} tries");
                let folder = dir.path().join(format!("{stage}{tries}"));
                let mut child = start(&folder);
                let began = Instant::now();
                while ended(&folder).len() < before && began.elapsed() < Duration::from_secs(60) {
                    sleep(Duration::from_micros(200));
                }
                if before == 0 {
                    while !folder.join("pipeline.jsonl").exists()
                        && child.try_wait().unwrap().is_none()
                    {
                        sleep(Duration::from_micros(200));
                    }
                }
                let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                let part = f64::from(clock.subsec_nanos() % 1000) / 1e3;
                sleep(Duration::from_secs_f64(seconds * part));
                child.kill().unwrap();
                child.wait().unwrap();
                let is_in_stage = ended(&folder).len() == before;
                kills += usize::from(is_in_stage);
                assert!(start(&folder).wait().unwrap().success(), "{stage}: it goes on");
                let found = files(&folder);
                let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(&found), names(&want), "{stage}: files");
                for (name, bytes) in &found {
                    assert!(*bytes == want[name], "{stage}, kill {kills}: {name} has other bits");
                }
                fs::remove_dir_all(&folder).unwrap();
            }
            println!("{stage}: {kills} kills, {tries} tries, the same {} files", want.len());
        }
    }

    /// A limit on the size of files stands for a disk that is full: writing fails in the middle.
    #[test]
    fn a_pipeline_whose_files_cannot_be_written_says_which_and_goes_on_once_they_can() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        let mut shell = Command::new("sh");
        // In blocks of 512 bytes: room for a trajectory, and not for a density.
        shell.args(["-c", "trap '' XFSZ; ulimit -f 160; exec \"$@\"", "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_stepmark")).args(["rom", "--no-profile", "--config"]);
        let ended = shell.arg(config("tiny.yaml")).arg("--output").arg(&folder).output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{err}");
        assert!(err.contains(".npz: File too large"), "{err}");
        let found = files(&folder);
        assert!(found.keys().all(|name| !name.contains("density")), "{:?}", found.keys());
        assert!(start(&folder).wait().unwrap().success(), "it goes on");
        let whole = dir.path().join("whole");
        assert!(start(&whole).wait().unwrap().success(), "one without a limit");
        assert!(files(&folder) == files(&whole), "the same files");
    }

    #[test]
    fn a_pipeline_killed_in_each_stage_ends_with_the_files_of_one_that_was_not() {
        kill(1);
    }

    #[test]
    #[ignore = "takes minutes: ci/kill_rom.sh"]
    fn a_pipeline_killed_at_twenty_moments_of_each_stage_ends_with_the_same_files() {
        kill(20);
    }
}
