//! A run that is killed, and started again, has the bits of one that was not.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::*;

const OPTIONS: &str = "--potential sw --dt 0.002 --steps 6000 --every 20 --skin 0.5 --ensemble \
                       langevin --temperature 1500 --friction 3 --seed 4";

/// SIGKILL.
const KILL: i32 = 9;

fn start(place: &Place) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.arg("md").args(place.args(OPTIONS));
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Trajectory and log; empty where they are not there.
fn files(place: &Place) -> [Vec<u8>; 2] {
    ["t.extxyz", "t.log"].map(|name| fs::read(place.folder.path().join(name)).unwrap_or_default())
}

#[test]
fn a_run_killed_at_twenty_moments_has_the_bits_of_one_that_was_not() {
    let [whole, killed] = [(); 2].map(|()| Place::new(&silicon()));
    let began = Instant::now();
    assert!(start(&whole).wait().unwrap().success(), "a run that nobody kills");
    let took = began.elapsed();
    let want = files(&whole);
    assert_eq!(frames(&whole.trajectory).len(), 301, "frames");
    let (mut kills, mut resumed, mut held) = (0, 0, 0);
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "{kills} kills, {resumed} resumed");
        let mut child = start(&killed);
        let is_enough = kills >= 20 && resumed >= 10;
        if !is_enough {
            // Up to a third of the run, so that several parts make it whole.
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            sleep(took.mul_f64(f64::from(clock.subsec_micros()) / 3e6));
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(KILL), "{status} after {kills} kills");
        let found = files(&killed);
        for ((found, want), name) in found.iter().zip(&want).zip(["trajectory", "log"]) {
            assert!(want.starts_with(found), "{name} after {kills} kills has other bits");
        }
        kills += usize::from(!status.success());
        resumed += usize::from(held > 0 && found[0].len() > held);
        held = found[0].len();
        if status.success() {
            assert!(found == want, "all of it is there");
            if is_enough {
                break;
            }
            for name in ["t.extxyz", "t.log"] {
                fs::remove_file(killed.folder.path().join(name)).unwrap();
            }
            held = 0;
        }
    }
}
