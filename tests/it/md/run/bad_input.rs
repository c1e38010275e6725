//! What is refused, and what is said of it.

use super::*;
use stepmark::file::lines::Growing;

const SHORT: &str = "--potential sw --dt 0.001 --steps 20 --every 10";

#[track_caller]
fn refused(args: &[&str], exit: Exit, want: &str) {
    let (found, _, err) = said(args);
    assert_eq!(found, exit, "{args:?}: {err}");
    assert!(err.contains(want), "{args:?}: {err}");
}

/// A run of these atoms fails, and leaves no trajectory.
#[track_caller]
fn no_start(atoms: &str, potential: &str, want: &str) {
    let place = Place::new(&silicon());
    fs::write(&place.atoms, atoms).unwrap();
    let options = format!("--potential {potential} --dt 0.001 --steps 20 --every 10");
    refused(&place.args(&options), Exit::Failure, want);
    assert!(!place.trajectory.exists(), "no trajectory");
    let to = place.folder.path().join("labels");
    let label =
        ["label", "--potential", potential, "--frames", text(&place.atoms), "--out", text(&to)];
    refused(&label, Exit::Failure, want);
    assert!(!to.exists(), "no labels");
}

fn two(lattice: &str, species: &str, second: &str) -> String {
    format!("2\nLattice=\"{lattice}\"\n{species} 0 0 0\n{species} {second}\n")
}

#[test]
fn atoms_and_cells_that_are_no_start_are_named() {
    let cube = "9 0 0 0 9 0 0 0 9";
    let cases = [
        (two(cube, "Si", "8.97 0 0.05"), "atoms 1 and 2 0.0583 A apart, expected at least 0.1 A"),
        (two(cube, "Si", "0 0 0"), "frame 1: found atoms 1 and 2 0.0000 A apart"),
        (two("9 0 0 9 0 0 0 0 9", "Si", "2 2 2"), "span no volume"),
        (two("0 9 0 9 0 0 0 0 9", "Si", "2 2 2"), "frame 1: found the left-handed lattice vectors"),
        (two("9 0 0 0 9 0 0 0 0.7", "Si", "2 2 0"), "frame 1: found a cell of height 0.7 A"),
        (two(cube, "Ge", "2 2 2"), "found the species Ge, expected Si of the potential sw"),
        (two(cube, "Qq", "2 2 2"), "found the species Qq, expected the symbol of an element"),
        (two(cube, "Si", "2 2"), "frame 1, line 4: found 3 columns, expected 4"),
        (two(cube, "Si", "2 2 nan"), "frame 1, line 4: found \"nan\""),
        (two("", "Si", "2 2 2"), "expected Lattice"),
        (format!("0\nLattice=\"{cube}\"\n"), "expected the number of atoms, at least 1"),
        (
            two(&format!("{cube}\" pbc=\"T T F"), "Si", "2 2 2"),
            "expected a cell periodic along all three vectors",
        ),
    ];
    for (atoms, want) in &cases {
        no_start(atoms, "sw", want);
    }
    let velocities =
        two(cube, "Si", "2 2 2").replacen("\n", "\nProperties=species:S:1:pos:R:3:vel:R:3 ", 1);
    let velocities =
        velocities.replace("0 0 0\nSi", "0 0 0 1 2 3\nSi").replace("2 2 2", "2 2 2 3 2 1");
    no_start(&velocities, "sw", "state A/ps or A/fs");
    let place = Place::new(&silicon());
    fs::write(&place.atoms, &velocities).unwrap();
    pass(&place.args(&format!("{SHORT} --velocity-unit A/ps")));
    let empty = place.folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let run = ["run", text(&empty), "--potential", "sw", "--dt", "0.001", "--steps", "100"];
    refused(&run, Exit::Failure, "empty, line 1: found an empty file");
    let label = ["label", "--potential", "sw", "--frames", text(&empty), "--out", text(&empty)];
    refused(&label, Exit::Failure, "empty: found no frames, expected at least one");
    let missing = ["run", "none.extxyz", "--potential", "sw", "--dt", "0.001", "--steps", "100"];
    refused(&missing, Exit::Failure, "none.extxyz: cannot be read: No such file");
    let folder = text(place.folder.path());
    let run = ["run", folder, "--potential", "sw", "--dt", "0.001", "--steps", "100"];
    refused(&run, Exit::Failure, "cannot be read: Is a directory");
    let label = ["label", "--potential", "sw", "--frames", folder, "--out", text(&empty)];
    refused(&label, Exit::Failure, "cannot be read: Is a directory");
}

#[test]
fn options_that_make_no_sense_are_usage_errors() {
    let place = Place::new(&silicon());
    for (options, want) in [
        ("--dt 0.001 --steps 20 --every 10", "--potential"),
        ("--potential sw --steps 20 --every 10", "--dt"),
        ("--potential sw --dt 0.001", "--steps"),
        ("--potential sw --dt 0 --steps 20 --every 10", "expected ps, above 0 and at most 0.1"),
        ("--potential sw --dt -0.001 --steps 20 --every 10", "expected ps, above 0"),
        ("--potential sw --dt 1 --steps 20 --every 10", "1 fs is 0.001"),
        ("--potential sw --dt nan --steps 20 --every 10", "expected ps, above 0"),
        ("--potential sw --dt 0.001 --steps 0", "0 is not in 1.."),
        ("--potential sw --dt 0.001 --steps 20 --every 0", "0 is not in 1.."),
        ("--potential sw --dt 0.001 --steps 50", "expected a multiple of --every 100"),
        ("--potential sw --dt 0.001 --steps 100 --skin -1", "expected angstrom, 0 to 10"),
        ("--potential sw --dt 0.001 --steps 100 --temperature 300", "--temperature: an option of"),
        ("--potential sw --dt 0.001 --steps 100 --seed 3", "--seed: an option of"),
        ("--potential sw --dt 0.001 --steps 100 --ensemble langevin", "needs --temperature"),
        ("--potential sw --dt 0.001 --steps 100 --ensemble langevin --temperature -1", "0 or more"),
        ("--potential sw --dt 0.001 --steps 100 --ensemble npt", "invalid value 'npt'"),
        ("--potential sw --dt 0.001 --steps 100 --velocity-unit m/s", "expected A/ps or A/fs"),
        ("--potential sw --dt 0.001 --steps 100 --elements =Si", "expected SYMBOL=NAME"),
        (
            "--potential sw --dt 0.001 --steps 100 --elements Ge=Si,Si=Si,Ge=C",
            "--elements: found Ge=Si and Ge=C, expected one of them",
        ),
        ("--potential sw --dt 0.001 --steps -1", "invalid value '-1' for '--steps"),
        ("--potential sw --dt 0.001 --steps 9 --every -1", "invalid value '-1' for '--every"),
        ("--potential sw --dt 0.001 --steps 9 --seed -1", "invalid value '-1' for '--seed"),
    ] {
        refused(&place.args(options), Exit::Usage, want);
    }
    assert!(!place.trajectory.exists(), "no trajectory");
    let none = "--potential nope --dt 0.001 --steps 100";
    refused(&place.args(none), Exit::Failure, "nope: found no potential of this name");
    let other = format!("--potential {} --dt 0.001 --steps 100", text(&place.atoms));
    let want = "atoms.extxyz: found a name without a known ending, expected one of .sw, .tersoff";
    refused(&place.args(&other), Exit::Failure, want);
    let dense = boxes::silicon_crystal(1, 5.431);
    fs::write(&place.atoms, Frame::of(&dense).to_text("a").unwrap()).unwrap();
    pass(&place.args("--potential lj --elements Si=Ar --dt 0.0001 --steps 1 --every 1 --skin 3"));
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let place = Place::new(&silicon());
    let folder = text(place.folder.path());
    let missing = format!("{folder}/none/t.extxyz");
    for (options, want) in [
        (format!("{SHORT} --log {folder}"), format!("{folder}: Is a directory")),
        (format!("{SHORT} --log {missing}"), format!("{missing}: No such file")),
    ] {
        refused(&place.args(&options), Exit::Failure, &want);
        assert!(!place.trajectory.exists(), "a trajectory without a log");
    }
    for out in [folder, &missing] {
        let args = ["run", text(&place.atoms), "--out", out, "--log", "/dev/null"];
        let args: Vec<_> = args.into_iter().chain(SHORT.split(' ')).collect();
        refused(&args, Exit::Failure, &format!("{out}: "));
        let atoms = text(&place.atoms);
        let label = ["label", "--potential", "sw", "--frames", atoms, "--out", out];
        refused(&label, Exit::Failure, &format!("{out}: cannot be written: "));
    }
    let busy = Growing::open(&place.trajectory).unwrap();
    refused(&place.args(SHORT), Exit::Failure, "t.extxyz: another run writes to it");
    drop(busy);
    let log = place.folder.path().join("t.log");
    let busy = Growing::open(&log).unwrap();
    refused(&place.args(SHORT), Exit::Failure, "t.log: another run writes to it");
    assert!(place.trajectory.exists(), "the empty trajectory of somebody else");
    drop(busy);
    pass(&place.args(SHORT));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_named() {
    let place = Place::new(&silicon());
    let full = format!("{SHORT} --log /dev/full");
    refused(&place.args(&full), Exit::Failure, "/dev/full: No space left on device");
    assert!(!place.trajectory.exists(), "a trajectory without a log");
    let log = text(&place.atoms).replace("atoms", "log");
    let args = ["run", text(&place.atoms), "--out", "/dev/full", "--log", &log];
    let args: Vec<_> = args.into_iter().chain(SHORT.split(' ')).collect();
    refused(&args, Exit::Failure, "/dev/full: No space left on device");
    let atoms = text(&place.atoms);
    let label = ["label", "--potential", "sw", "--frames", atoms, "--out", "/dev/full"];
    refused(&label, Exit::Failure, "/dev/full: cannot be written: it is there, and no file");
}

/// A straight molecule has an energy, but no direction to bend in.
#[test]
fn forces_that_are_not_finite_are_named() {
    let straight = "3\nLattice=\"20 0 0 0 20 0 0 0 20\"\nO 0 0 0\nH 0.96 0 0\nH -0.96 0 0\n";
    no_start(straight, "spcfw-rf", "found the force on atom 1 is not finite: [");
}

/// Two atoms that stand so near to each other that they fly apart.
#[test]
fn a_run_that_leads_nowhere_stops_at_a_step_and_keeps_its_frames() {
    for (apart, skin, want) in [
        ("2 0 0", "1", "step 1: atom 1 moved "),
        ("0.4 0 0", "1", "step 1: atom 1 is lost, at [-"),
        ("0.4 0 0", "0", "step 1: atom 1 is lost, at [-"),
    ] {
        let place = Place::new(&silicon());
        fs::write(&place.atoms, two("40 0 0 0 40 0 0 0 40", "Ar", apart)).unwrap();
        let options = format!("--potential lj --dt 0.05 --steps 100 --every 1 --skin {skin}");
        for want in [want, "; the frames up to step 0 are in "] {
            refused(&place.args(&options), Exit::Failure, want);
            assert_eq!([place.frames().len(), place.rows().len()], [1, 1], "what was written");
        }
    }
}

/// Two atoms at 45 A/ps: 4.5 A a step. Where they meet they have no energy; where one misses the other
/// it flies away.
#[test]
fn a_run_that_stops_later_keeps_all_frames_before() {
    let mut two = boxes::argon_crystal(2, 40.0);
    two.species.truncate(2);
    two.masses.truncate(2);
    two.charges.truncate(2);
    two.velocities = vec![[45.0, 0.0, 0.0], [-45.0, 0.0, 0.0]];
    for (half, off, options, want, frames) in [
        (18.0, 0.0, "--every 1 --skin 0", "step 4: the energy is not finite: ", 4),
        (13.5, 0.3, "--every 2 --skin 10", "step 4: atom 1 is lost, at [", 2),
    ] {
        two.positions = vec![[-half, 40.0, 40.0], [half, 40.0 + off, 40.0]];
        let place = Place::new(&two);
        let options = format!("--potential lj --dt 0.1 --steps 8 {options}");
        let kept = if frames == 4 { 3 } else { 2 };
        for want in [want, &format!("; the frames up to step {kept} are in ")] {
            refused(&place.args(&options), Exit::Failure, want);
            assert_eq!([place.frames().len(), place.rows().len()], [frames; 2], "what was written");
        }
    }
}

/// A rod of 2000 atoms, of which the force of argon reaches 90 million pairs, and a skin more.
#[test]
fn a_skin_that_is_too_wide_is_named() {
    let place = Place::new(&silicon());
    let mut rod = "2000\nLattice=\"1.8 0 0 0 1.8 0 0 0 60\"\n".to_owned();
    for n in 0..2000 {
        let [x, y, z] = [n % 5, n / 5 % 5, n / 25].map(f64::from);
        rod += &format!("Ar {} {} {}\n", 0.36 * x, 0.36 * y, 0.75 * z);
    }
    fs::write(&place.atoms, rod).unwrap();
    let options = "--potential lj --dt 0.001 --steps 1 --every 1 --skin 10";
    let want =
        "--skin: found 10 A, expected less: with the cutoff of 8.5125 A the list of 2000 atoms";
    refused(&place.args(options), Exit::Failure, want);
}

#[test]
fn a_trajectory_or_log_of_another_run_is_refused_and_stays() {
    let place = Place::new(&silicon());
    pass(&place.args(SHORT));
    let log = place.folder.path().join("t.log");
    let kept = [&place.trajectory, &log].map(|path| fs::read(path).unwrap());
    let stays = || [&place.trajectory, &log].map(|path| fs::read(path).unwrap()) == kept;
    for (options, want) in [
        (SHORT.replace("0.001", "0.002"), "found a run of potential=sw dt_ps=0.001 every=10"),
        (format!("{SHORT} --skin 2"), "expected potential=sw dt_ps=0.001 every=10 skin=2"),
        (format!("{SHORT} --ensemble langevin --temperature 300"), "ensemble=langevin kelvin=300"),
    ] {
        refused(&place.args(&options), Exit::Failure, want);
        assert!(stays(), "{options}");
    }
    let row = String::from_utf8(kept[1].clone()).unwrap();
    let energy = row.lines().last().unwrap().split(' ').nth(3).unwrap();
    fs::write(&log, row.replace(energy, "-1")).unwrap();
    refused(&place.args(SHORT), Exit::Failure, "t.log: found \"-1\" as the energy of row 2");
    fs::write(&log, &kept[1]).unwrap();
    let mut other = String::from_utf8(kept[0].clone()).unwrap();
    let energy = other.rfind(" energy=").unwrap() + " energy=-".len();
    other.replace_range(energy..=energy, "9");
    fs::write(&place.trajectory, &other).unwrap();
    let energy = row.lines().last().unwrap().split(' ').nth(3).unwrap();
    fs::write(&log, row.replace(energy, &energy.replace('-', "9"))).unwrap();
    let args = SHORT.replace("20", "30");
    refused(&place.args(&args), Exit::Failure, "which this potential gives its atoms");
    assert_eq!(fs::read_to_string(&place.trajectory).unwrap(), other, "it stays");
    fs::remove_file(&place.trajectory).unwrap();
    refused(&place.args(SHORT), Exit::Failure, "t.log: found another line than row 2 of this run");
    Frame::of(&boxes::silicon_crystal(2, 5.4)).write(&place.trajectory).unwrap();
    refused(&place.args(SHORT), Exit::Failure, "t.extxyz, frame 1: found frames of no run");
}
