//! Files of a run that were lost or cut, that others use, or that are one file.

use super::*;
use stepmark::file::lines::{self, Growing};

const OPTIONS: &str = "--potential sw --dt 0.002 --steps 60 --every 10 --skin 0.5 --ensemble langevin \
                       --temperature 900 --friction 4 --seed 2";

#[track_caller]
fn refused(args: &[&str], want: &str) {
    let (found, _, err) = said(args);
    assert_eq!(found, Exit::Failure, "{args:?}: {err}");
    assert!(err.contains(want), "{args:?}: {err}");
}

/// As after a loss of power, which leaves any number of frames and of rows.
#[test]
fn a_run_goes_on_from_its_frames_whatever_is_left_of_its_log() {
    let place = Place::new(&silicon());
    let log = place.folder.path().join("t.log");
    pass(&place.args(OPTIONS));
    let paths = [&place.trajectory, &log];
    let want = paths.map(|path| fs::read_to_string(path).unwrap());
    let frame = want[0].len() / 7;
    let ends = [2 * frame, want[0].find("step=\"50\"").unwrap(), want[0].len()];
    let rows = |n: usize| want[1].split_inclusive('\n').take(1 + n).map(str::len).sum::<usize>();
    for left in ends {
        for row in [0, 5, rows(0), rows(1), rows(2) - 3, rows(4), rows(7)] {
            fs::write(&place.trajectory, &want[0][..left]).unwrap();
            fs::write(&log, &want[1][..row]).unwrap();
            let out = pass(&place.args(OPTIONS));
            assert_eq!(
                out.contains("t.log: rows "),
                row < rows(1) || left > ends[0] && row < rows(5),
                "{out}"
            );
            let found = paths.map(|path| fs::read_to_string(path).unwrap());
            assert!(found == want, "{left} bytes of frames, {row} of the log");
        }
    }
    fs::remove_file(&log).unwrap();
    let out = pass(&place.args(OPTIONS));
    assert!(out.contains("t.log: rows 0 to 6 are made again"), "{out}");
    assert!(fs::read_to_string(&log).unwrap() == want[1], "a log that was lost");
}

/// As after a loss of power where a file was made longer before its bytes were there.
#[test]
fn zeros_behind_frames_and_rows_are_cut_like_what_is_torn() {
    let place = Place::new(&silicon());
    let log = place.folder.path().join("t.log");
    pass(&place.args(OPTIONS));
    let paths = [&place.trajectory, &log];
    let want = paths.map(|path| fs::read(path).unwrap());
    let starts = String::from_utf8(want[0].clone()).unwrap();
    let starts: Vec<_> = starts.match_indices("64\nLattice").map(|(at, _)| at).collect();
    let row = want[1].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for [left, rows] in [[0, 0], [starts[1] + 1, row + 1], [starts[3], row], [starts[4] + 900, 999]]
    {
        for (path, (want, left)) in paths.iter().zip(want.iter().zip([left, rows])) {
            fs::write(path, [&want[..left.min(want.len())], &[0; 5000]].concat()).unwrap();
        }
        let out = pass(&place.args(OPTIONS));
        assert_eq!(out.contains("goes on from step"), left > 0, "{out}");
        assert!(paths.map(|path| fs::read(path).unwrap()) == want, "{left} bytes, then zeros");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_whose_log_nobody_wants_goes_on() {
    let place = Place::new(&silicon());
    let options = |steps: u32| {
        format!("--potential sw --dt 0.002 --every 10 --log /dev/null --steps {steps}")
    };
    pass(&place.args(&options(20)));
    let out = pass(&place.args(&options(40)));
    assert!(out.contains("goes on from step 20 of 40") && !out.contains("again"), "{out}");
    assert_eq!(place.frames().len(), 5, "frames");
}

#[test]
fn trajectory_and_log_are_two_files() {
    let short = "--potential sw --dt 0.001 --steps 20 --every 10";
    let place = Place::new(&silicon());
    let path = |name: &str| place.folder.path().join(name);
    let with = |log: &Path| format!("{short} --log {}", text(log));
    let same = |log: &str| {
        let want = format!("--log: found the file {} of --out", text(&place.trajectory));
        refused(&place.args(&with(&path(log))), &want);
    };
    same("t.extxyz");
    same("./t.extxyz");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("t.extxyz", path("link")).unwrap();
        same("link");
    }
    assert!(!place.trajectory.exists(), "no trajectory");
    pass(&place.args(short));
    let kept = fs::read(&place.trajectory).unwrap();
    fs::hard_link(&place.trajectory, path("hard")).unwrap();
    same("t.extxyz");
    same("hard");
    #[cfg(unix)]
    same("link");
    assert!(fs::read(&place.trajectory).unwrap() == kept, "the trajectory");
}

#[test]
fn what_a_run_writes_to_is_neither_read_nor_replaced() {
    let place = Place::new(&silicon());
    let short = "--potential sw --dt 0.001 --steps 20 --every 10";
    pass(&place.args(short));
    let (from, to) = (text(&place.trajectory), place.folder.path().join("labels"));
    let args = |from: &str, to: &str| {
        ["label", "--potential", "sw", "--frames", from, "--out", to].map(str::to_owned)
    };
    let both = [args(from, text(&to)), args(text(&place.atoms), from)];
    let start = ["run", from, "--potential", "sw", "--dt", "0.001", "--steps", "100", "--out"];
    let start: Vec<_> = start.into_iter().chain([text(&to)]).collect();
    let busy = Growing::open(&place.trajectory).unwrap();
    let kept = fs::read(&place.trajectory).unwrap();
    for args in &both {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        refused(&args, "t.extxyz: another run writes to it; wait, or name another file");
    }
    refused(&start, "t.extxyz: another run writes to it");
    assert!(fs::read(&place.trajectory).unwrap() == kept && !to.exists(), "files");
    drop(busy);
    // Others read it, too, and a file may be labelled in its place.
    let held = lines::hold(&place.trajectory).unwrap();
    let own = args(from, from);
    pass(&own.each_ref().map(String::as_str));
    drop(held);
    assert_eq!(place.frames().len(), 3, "frames");
}

/// Columns that this crate has no use for are those of the user.
#[test]
fn labels_leave_the_other_columns_of_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["a.extxyz", "b.extxyz"].map(|name| folder.path().join(name));
    let atoms = "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:tags:I:1:pos:R:3:\
                 local_energy:R:1:energies:R:1:note:S:2 config=a\n\
                 Si 7 0 0 0 -1.50 9 a b\nSi -1 2.3 0 0 NaN 9 c d\n";
    fs::write(&from, atoms).unwrap();
    pass(&["label", "--potential", "sw", "--frames", text(&from), "--out", text(&to)]);
    let labelled = fs::read_to_string(&to).unwrap();
    let want =
        "species:S:1:pos:R:3:forces:R:3:tags:I:1:local_energy:R:1:note:S:2 config=\"a\" energy=";
    assert!(labelled.contains(want), "{labelled}");
    let rows: Vec<_> = labelled.lines().skip(2).collect();
    assert!(rows[0].ends_with(" 7 -1.50 a b") && rows[1].ends_with(" -1 NaN c d"), "{labelled}");
}
