//! What is refused, and what is said of it.

use super::*;

#[track_caller]
fn refused(args: &str, exit: Exit, want: &str) {
    let dir = tempfile::tempdir().unwrap();
    let args: Vec<_> = args.split_whitespace().chain(["--output-dir", text(dir.path())]).collect();
    let (found, _, err) = run(&args);
    assert_eq!(found, exit, "{args:?}: {err}");
    assert!(err.contains(want), "{args:?}: {err}");
    assert_eq!(names(dir.path()), BTreeSet::new(), "no file");
}

#[test]
fn models_and_systems_that_there_are_not_are_named() {
    for (args, want) in [
        ("--model orb-v2", "orb-v2: its weights cannot be had offline"),
        ("--model orb-v3", "orb-v3: its weights cannot be had offline"),
        ("--model ani-2x", "ani-2x: it is not implemented yet"),
        ("--model chgnet", "chgnet: it is not implemented yet"),
        ("--model nope", "nope: found no model of this name, expected sw, lj"),
        ("--model sw --system water", "sw: does not know water; it knows silicon"),
        ("--model sw --system gold", "expected one of silicon, aluminium, iron, argon, water"),
        ("--model sw --reference lj", "lj: does not know silicon; it knows argon"),
        ("--model sw --device cuda", "has no kernel for a GPU yet, and a CPU never stands in"),
        ("--compare-all --device cuda", "has no kernel for a GPU yet, and a CPU never stands in"),
    ] {
        refused(args, Exit::Usage, want);
    }
    refused("--model none/at/all.sw", Exit::Failure, "none/at/all.sw: cannot be read");
}

#[test]
fn numbers_out_of_their_range_are_named() {
    for (args, want) in [
        ("--model sw --n-steps 0", "--n-steps <N>': expected a whole number from 1"),
        ("--model sw --n-atoms 0", "--n-atoms <N>': expected a whole number from 1"),
        ("--model sw --repeat 0", "--repeat <N>': expected a whole number from 1"),
        ("--model sw --system-sizes 64,x", "expected a whole number from 1"),
        ("--model sw --threshold-pct 100.1", "expected a number from 0 to 100"),
        ("--model sw --threshold-pct -1", "expected a number from 0 to 100"),
        ("--model sw --threshold-pct nan", "expected a number from 0 to 100"),
        ("--model sw --seed -1", "invalid value '-1' for '--seed <SEED>'"),
        ("--model sw --properties dipole", "invalid value 'dipole'"),
        ("--model sw --velocity-unit A/ps", "--trajectory <FILE>"),
    ] {
        refused(args, Exit::Usage, want);
    }
}

#[test]
fn trajectories_that_are_none_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.extxyz");
    let mut all = frames(&path, 3);
    let whole = fs::read_to_string(&path).unwrap();
    let args = format!("--model sw --trajectory {}", text(&path));
    refused(&format!("{args} --n-steps 4"), Exit::Usage, "found 3 frames, expected at least");
    fs::write(&path, "").unwrap();
    refused(&args, Exit::Usage, "t.extxyz: frames: found none, expected at least one");
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    refused(&args, Exit::Failure, "t.extxyz, frame 3, line");
    let write = |frames: &[System]| {
        let text = frames.iter().map(|frame| Frame::of(frame).to_text("a").unwrap());
        fs::write(&path, text.collect::<String>()).unwrap();
    };
    all[2] = all[1].clone();
    write(&all);
    refused(&args, Exit::Failure, "warm-up 2 and warm-up 3 have the same positions");
    all[2] = boxes::silicon_crystal(1, 5.43);
    write(&all);
    refused(&args, Exit::Failure, "frame 3: found other atoms than those of frame 1");
    write(&[boxes::argon_crystal(2, 5.3)]);
    refused(&args, Exit::Failure, "found the species Ar, expected Si of the potential sw");
}

#[test]
fn nothing_asked_for_prints_the_help() {
    let (exit, out, err) = run(&["--n-steps", "5"]);
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{out}");
    assert!(out.contains("--system-sizes <LIST>") && out.contains("MDProfileResult"), "{out}");
}
