//! A disk that is full in the middle of a run: a limit of the system on the size of files.

use std::process::{Command, Output};

use super::*;

const OPTIONS: &str = "--potential sw --dt 0.002 --steps 300 --every 10 --skin 0.5";

/// Runs `stepmark md` with files of at most so many blocks, of 512 or 1024 bytes as the shell has it.
fn limited(args: &[&str], blocks: u32) -> Output {
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" md \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_stepmark")]).args(args);
    command.output().unwrap()
}

#[test]
fn a_disk_that_is_full_in_mid_run_is_named_and_the_run_goes_on_later() {
    let [whole, parts] = [(); 2].map(|()| Place::new(&silicon()));
    pass(&whole.args(OPTIONS));
    let files = |place: &Place| {
        ["t.extxyz", "t.log"].map(|name| fs::read(place.folder.path().join(name)).unwrap())
    };
    let want = files(&whole);
    let frame = want[0].len() / 31;
    let mut before = 0;
    for blocks in [100, 200] {
        let ended = limited(&parts.args(OPTIONS), blocks);
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{err}");
        let kept = parts.frames().len();
        assert!(kept > before && kept < 31, "{kept} frames of {frame} bytes");
        let (step, last) = (10 * kept, 10 * (kept - 1));
        for want in [
            &format!("step {step} is not written; the frames up to step {last} are, and the same"),
            "command goes on from there: ",
            "t.extxyz: File too large",
        ] {
            assert!(err.contains(want), "{err}");
        }
        let found = files(&parts);
        let is_start = |n: usize| want[n].starts_with(&found[n]);
        assert!(is_start(0) && is_start(1), "what is there is whole");
        before = kept;
    }
    let out = pass(&parts.args(OPTIONS));
    assert!(out.contains(&format!("goes on from step {} of 300", 10 * (before - 1))), "{out}");
    assert!(files(&parts) == want, "the bits of a run that had room");
}

#[test]
fn labels_that_find_no_room_leave_the_old_ones() {
    let place = Place::new(&silicon());
    let to = place.folder.path().join("labels");
    fs::write(&to, "old").unwrap();
    let (from, out) = (text(&place.atoms), text(&to));
    let args = ["label", "--potential", "sw", "--frames", from, "--out", out];
    let ended = limited(&args, 1);
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{err}");
    assert!(err.contains("labels: cannot be written: File too large"), "{err}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "old", "labels");
    let left = fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(left, 2, "nothing is left beside them");
}
