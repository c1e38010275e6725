//! A training that is killed, and started again, ends with the files of one that was not.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ndarray::Array2;
use stepmark::file::npz;
use stepmark::lstm;
use stepmark::lstm::model::{Kind, Options, Training};

use super::commands::{dataset, runs};

/// All that draws numbers, and more epochs than go by without scheduled sampling.
const OPTIONS: &str = "--hidden_units 6 --num_layers 2 --learning_rate 1e-2 --max_epochs 80 \
                       --patience 80 --batch_size 25 --dropout 0.2 --multistep_loss true \
                       --multistep_k 3 --scheduled_sampling true --seed 7";

/// SIGKILL.
const KILL: i32 = 9;

fn start(data: &Path, to: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["rom", "fit", "--model", "lstm", "--data"]).arg(data);
    command.arg("--output_dir").arg(to).args(OPTIONS.split_whitespace());
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Epochs of the checkpoint; none where there is none.
fn epochs(folder: &Path) -> usize {
    match fs::read(folder.join("checkpoint.npz")) {
        Err(why) if why.kind() == ErrorKind::NotFound => 0,
        bytes => {
            let mut npz = npz::Archive::from_bytes("checkpoint.npz", bytes.unwrap()).unwrap();
            let log: Array2<f64> = npz.array("log").unwrap();
            log.nrows()
        }
    }
}

/// The files of a trained model that are there, as they would be had it taken no time.
fn files(folder: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (name, kind) in [
        ("lstm_state_dict.pt", Some(Kind::Torch)),
        ("lstm.safetensors", Some(Kind::Safetensors)),
        ("training_log.csv", None),
    ] {
        let Ok(mut bytes) = fs::read(folder.join(name)) else { continue };
        if let Some(kind) = kind {
            let model = lstm::Model::from_bytes(name, &bytes, &Options::default()).unwrap();
            let same = model.to_bytes(name, kind).unwrap();
            assert!(same == bytes, "{name} holds more than its model");
            let training = Training { time: Duration::ZERO, ..model.training().unwrap() };
            bytes = model.trained(training).to_bytes(name, kind).unwrap();
        }
        files.insert(name, bytes);
    }
    files
}

#[test]
fn a_training_killed_at_twenty_moments_ends_with_the_bits_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let [data, whole, killed] =
        ["data.npz", "whole", "killed"].map(|name| folder.path().join(name));
    dataset(&data, &runs(), 4);
    let began = Instant::now();
    assert!(start(&data, &whole).wait().unwrap().success(), "a training that nobody kills");
    let took = began.elapsed();
    let want = files(&whole);
    assert_eq!(want.len(), 3, "{:?}", want.keys());
    let (mut kills, mut resumed, mut held) = (0, 0, 0);
    // The last of them is not killed.
    let mut is_through = false;
    while kills < 20 || resumed == 0 || !is_through {
        assert!(began.elapsed() < Duration::from_secs(120), "{kills} kills, {resumed} resumed");
        let mut child = start(&data, &killed);
        if kills >= 20 && resumed > 0 {
            child.wait().unwrap();
        } else if kills % 2 == 0 {
            // Once it has gone on: after its first epoch it replaces the checkpoint.
            while epochs(&killed) <= held && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(1));
            }
        } else {
            // Anywhere, also before its first epoch, or in writing its files.
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            sleep(took.mul_f64(f64::from(clock.subsec_micros()) / 1e6));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let (found, now) = (files(&killed), epochs(&killed));
        let said = format!("kill {kills}: {status}, {now} epochs, {held} before");
        for (name, bytes) in &found {
            assert!(*bytes == want[name], "{said}: {name} has other bits");
        }
        assert!(status.success() || status.signal() == Some(KILL), "{said}");
        kills += usize::from(!status.success());
        resumed += usize::from(held > 0 && now > held);
        is_through = now == 0 && found.len() == want.len();
        assert!(is_through || now >= held && !status.success(), "{said}: epochs are lost");
        held = now;
        if is_through && kills < 20 {
            fs::remove_dir_all(&killed).unwrap();
        }
    }
}
