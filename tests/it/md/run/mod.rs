//! `stepmark md run` and `stepmark md label` as their users meet them.

mod bad_input;
mod files;
#[cfg(unix)]
mod full;
#[cfg(unix)]
mod killed;

use std::fs;
use std::path::{Path, PathBuf};

use stepmark::cli::{self, Exit, Suite};
use stepmark::md::extxyz::{Frame, Frames};
use stepmark::md::{
    EmbeddedAtom, Field, LennardJones, StillingerWeber, SuttonChen, System, boxes, fixtures,
    integrate, potentials::Truncation,
};

/// How a command ended, and what it said.
fn said(args: &[&str]) -> (Exit, String, String) {
    let line = ["stepmark", "md"].iter().chain(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::md()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

#[track_caller]
fn pass(args: &[&str]) -> String {
    let (exit, out, err) = said(args);
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{args:?}");
    out
}

/// A folder with the atoms of a run.
struct Place {
    folder: tempfile::TempDir,
    atoms: PathBuf,
    trajectory: PathBuf,
}

impl Place {
    fn new(system: &System) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [atoms, trajectory] = ["atoms.extxyz", "t.extxyz"].map(|name| folder.path().join(name));
        Frame::of(system).write(&atoms).unwrap();
        Self { folder, atoms, trajectory }
    }

    /// The arguments of a run, and these.
    fn args<'a>(&'a self, more: &'a str) -> Vec<&'a str> {
        let mut args = vec!["run", text(&self.atoms), "--out", text(&self.trajectory)];
        args.extend(more.split_whitespace());
        args
    }

    fn frames(&self) -> Vec<Frame> {
        frames(&self.trajectory)
    }

    /// The rows of the log.
    fn rows(&self) -> Vec<Vec<f64>> {
        let log = fs::read_to_string(self.folder.path().join("t.log")).unwrap();
        let mut lines = log.lines();
        let header = "Step Time Temp PotEng KinEng TotEng Press Volume";
        assert_eq!(lines.next(), Some(header), "columns");
        lines.map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect()).collect()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn frames(path: &Path) -> Vec<Frame> {
    Frames::open(path).unwrap().map(Result::unwrap).collect()
}

fn info(frame: &Frame, key: &str) -> Vec<f64> {
    frame.info[key].numbers().unwrap()
}

/// The path of a potential file of this crate.
fn fixture(name: &str) -> String {
    format!("{}/fixtures/potentials/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A table of a metal that has the symbol and the density of aluminium.
fn metal() -> String {
    let list = |step: f64, f: fn(f64) -> f64| {
        (0..200).map(|m| format!("{}\n", f(step * f64::from(m)))).collect::<String>()
    };
    let tail = |r: f64| (6.0 - r).max(0.0).powi(2);
    [
        "a metal\n\n\n1 Al\n200 0.5 200 0.03 6\n13 26.98 4.05 fcc\n".to_owned(),
        list(0.5, |rho| -rho.sqrt()),
        list(0.03, tail),
        list(0.03, |r| r * 0.1 * (6.0 - r).max(0.0).powi(4)),
    ]
    .concat()
}

fn silicon() -> System {
    let mut si = boxes::silicon_crystal(2, 5.431);
    boxes::thermalise(&mut si, 3, 900.0);
    si
}

#[test]
fn a_run_has_the_frames_and_rows_of_the_integrator() {
    let mut si = silicon();
    let place = Place::new(&si);
    let out = pass(&place.args("--potential sw --dt 0.001 --steps 60 --every 20 --skin 0.8"));
    assert!(out.contains("frame 1: 64 atoms, potential=sw dt_ps=0.001 every=20 skin=0.8"), "{out}");
    assert!(out.contains("for 60 steps with 64 atoms\n") && out.contains(" ns/day, "), "{out}");
    for row in ["neighbours", "forces", "integrate", "check"] {
        let row = out.lines().find(|line| line.starts_with(row)).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some("60"), "{out}");
    }
    assert!(out.contains("\noutput") && out.contains("Dangerous builds: 0\n"), "{out}");
    assert!(out.contains("t.extxyz: 4 frames\n"), "{out}");
    let (frames, rows) = (place.frames(), place.rows());
    assert_eq!([frames.len(), rows.len()], [4, 4], "frames and rows");
    let mut field = Field::new(StillingerWeber::SILICON, &si, 0.8).unwrap();
    for (k, (frame, row)) in frames.iter().zip(&rows).enumerate() {
        let step = 20.0 * k as f64;
        assert_eq!(info(frame, "step"), [step], "step");
        let near = |what: &str, got: f64, want: f64, within: f64| {
            assert!((got - want).abs() <= within, "{what} of step {step}: {got}, not {want}");
        };
        let read = frame.clone().into_system("t", None).unwrap();
        for atom in 0..64 {
            for a in 0..3 {
                near("position", read.positions[atom][a], si.positions[atom][a], 1e-10);
                near("velocity", read.velocities[atom][a], si.velocities[atom][a], 1e-9);
                let force = frame.forces.as_ref().unwrap()[atom][a];
                near("force", force, field.forces().forces[atom][a], 1e-9);
            }
        }
        let (energy, kinetic) = (field.forces().energy, si.kinetic_energy());
        near("energy", info(frame, "energy")[0], energy, 1e-9);
        assert_eq!(info(frame, "energy")[0], row[3], "energy of frame and log");
        for (found, want) in row.iter().zip([
            step,
            0.001 * step,
            si.temperature(),
            energy,
            kinetic,
            energy + kinetic,
        ]) {
            near("column", *found, want, 1e-7);
        }
        let virial = field.forces().virial;
        let trace = virial[0][0] + virial[1][1] + virial[2][2];
        let bar = (2.0 * kinetic + trace) / (3.0 * si.cell.volume()) * 1.602_176_634e6;
        near("pressure", row[6], bar, 1e-4);
        near("volume", row[7], si.cell.volume(), 1e-9);
        integrate::run(&mut si, &mut field, 0.001, 20);
    }
}

#[test]
fn a_longer_run_goes_on_from_a_shorter_one_with_the_same_bits() {
    let mut argon = boxes::argon_crystal(3, 5.3);
    boxes::thermalise(&mut argon, 4, 200.0);
    let mut aluminium = boxes::aluminium_crystal(2, 4.05);
    boxes::thermalise(&mut aluminium, 5, 900.0);
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("made-up.eam.alloy");
    fs::write(&table, metal()).unwrap();
    let bath = "--ensemble langevin --temperature 1200 --friction 5 --seed 9";
    for (system, options) in [
        (silicon(), format!("--potential sw --dt 0.002 {bath}")),
        (argon, "--potential lj --dt 0.01".to_owned()),
        (fixtures::water_192(), format!("--potential spcfw-dsf --dt 0.0005 {bath}")),
        (silicon(), format!("--potential {} --dt 0.002", fixture("silicon.sw"))),
        (silicon(), format!("--potential {} --dt 0.002 {bath}", fixture("silicon.tersoff"))),
        (aluminium, format!("--potential {} --dt 0.002", text(&table))),
    ] {
        let [whole, parts] = [(); 2].map(|()| Place::new(&system));
        let options = format!("{options} --every 30 --skin 0.5 --steps");
        pass(&whole.args(&format!("{options} 120")));
        for (steps, from) in [(60, None), (90, Some(60)), (120, Some(90)), (120, Some(120))] {
            let out = pass(&parts.args(&format!("{options} {steps}")));
            let goes_on = from.map(|from| format!("goes on from step {from} of {steps}\n"));
            assert_eq!(out.contains("goes on"), from.is_some(), "{out}");
            assert!(out.contains(&goes_on.unwrap_or_default()), "{out}");
            assert_eq!(out.contains("Loop time"), from != Some(steps), "{out}");
        }
        for name in ["t.extxyz", "t.log"] {
            let read = |place: &Place| fs::read(place.folder.path().join(name)).unwrap();
            assert!(read(&whole) == read(&parts), "{name} of {options} differs");
        }
        let (exit, _, err) = said(&parts.args(&format!("{options} 90")));
        assert_eq!(exit, Exit::Failure, "fewer steps");
        assert!(err.contains("frame 5: found step 120, expected at most --steps 90"), "{err}");
    }
}

#[test]
fn a_run_starts_where_another_one_ended() {
    let place = Place::new(&silicon());
    pass(&place.args("--potential sw --dt 0.001 --steps 40 --every 20"));
    let next = place.folder.path().join("next.extxyz");
    let (from, to) = (text(&place.trajectory), text(&next));
    let args = ["run", from, "--potential", "sw", "--dt", "0.001", "--steps", "1", "--every", "1"];
    pass(&[&args[..], &["--out", to]].concat());
    let (last, first) = (place.frames().pop().unwrap(), frames(&next).swap_remove(0));
    assert_eq!(last.positions, first.positions, "positions");
    let momenta = [&last, &first].map(|frame| frame.motion.clone().unwrap().values);
    for (a, b) in momenta[0].iter().flatten().zip(momenta[1].iter().flatten()) {
        assert!((a - b).abs() <= 1e-15 * a.abs(), "momentum {a}, {b}");
    }
}

#[test]
fn one_atom_and_water_run() {
    let argon = boxes::argon_crystal(1, 5.3);
    let cell = [[2.65, 2.65, 0.0], [0.0, 2.65, 2.65], [2.65, 0.0, 2.65]];
    let cell = stepmark::md::Cell::new(cell).unwrap();
    let mut one = System::new(cell, &["Ar"], vec![argon.masses[0]], vec![[0.1, 0.2, 0.3]]);
    one.velocities[0] = [1.0, 0.0, 0.0];
    let place = Place::new(&one);
    pass(&place.args("--potential lj --dt 0.005 --steps 10 --every 5"));
    let moved = place.frames()[2].positions[0][0];
    assert!((moved - 0.15).abs() < 1e-12, "{moved} A");
    let place = Place::new(&fixtures::water_192());
    pass(&place.args("--potential spcfw-dsf --dt 0.0005 --steps 20 --every 10"));
    let totals: Vec<_> = place.rows().iter().map(|row| row[5]).collect();
    assert!((totals[2] - totals[0]).abs() < 2e-2, "{totals:?} eV");
}

#[test]
fn frames_are_labelled_with_what_a_field_finds() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["a.extxyz", "b.extxyz"].map(|name| folder.path().join(name));
    let mut argon = boxes::argon_crystal(2, 5.3);
    let mut aluminium = boxes::aluminium_crystal(2, 4.1);
    boxes::rattle(&mut argon, 1, 0.1);
    boxes::rattle(&mut aluminium, 2, 0.1);
    let label = |systems: &[&System], potential: &str| {
        let of = |system: &&System| Frame::of(system).to_text("a").unwrap();
        fs::write(&from, systems.iter().map(of).collect::<String>()).unwrap();
        let args = ["label", "--potential", potential, "--frames", text(&from), "--out", text(&to)];
        let out = pass(&args);
        assert!(out.contains(&format!("b.extxyz: {} frame", systems.len())), "{out}");
        frames(&to)
    };
    let lj = LennardJones::argon(Truncation::ForceShifted);
    let mut wide = argon.clone();
    boxes::rattle(&mut wide, 3, 0.2);
    let got = label(&[&argon, &wide], "lj");
    let check = |frame: &Frame, forces: &stepmark::md::Forces, system: &System| {
        assert_eq!(info(frame, "energy"), [forces.energy], "energy");
        assert_eq!(frame.forces.as_ref(), Some(&forces.forces), "forces");
        let volume = system.cell.volume();
        let stress: Vec<_> = forces.virial.iter().flatten().map(|w| -w / volume).collect();
        assert_eq!(info(frame, "stress"), stress, "stress");
        assert_eq!(frame.positions, system.positions, "positions");
    };
    for (frame, system) in got.iter().zip([&argon, &wide]) {
        check(frame, Field::new(lj, system, 0.0).unwrap().forces(), system);
    }
    // Frames of other species, of one potential.
    let named = System { elements: vec!["Kr".to_owned()], ..wide.clone() };
    let both = [&argon, &named].map(|system| Frame::of(system).to_text("a").unwrap()).concat();
    fs::write(&from, both).unwrap();
    let args = ["label", "--potential", "lj", "--frames", text(&from), "--out", text(&to)];
    let (exit, _, err) = said(&args);
    assert_eq!(exit, Exit::Failure, "krypton");
    assert!(err.contains("a.extxyz, frame 2: found the species Kr, expected Ar"), "{err}");
    check(&frames(&to)[1], Field::new(lj, &wide, 0.0).unwrap().forces(), &wide);
    pass(&[&args[..], &["--elements", "Kr=Ar"]].concat());
    check(&frames(&to)[1], Field::new(lj, &named, 0.0).unwrap().forces(), &named);
    let sc = EmbeddedAtom(SuttonChen::ALUMINIUM);
    let got = label(&[&aluminium], "sc");
    check(&got[0], Field::new(sc, &aluminium, 0.0).unwrap().forces(), &aluminium);
}

#[test]
fn a_potential_may_be_a_file_of_lammps() {
    let mut si = silicon();
    boxes::rattle(&mut si, 1, 0.05);
    let place = Place::new(&si);
    let potential = fixture("silicon.sw");
    let options = "--dt 0.001 --steps 20 --every 10 --potential";
    pass(&place.args(&format!("{options} {}", potential)));
    let field = Field::new(StillingerWeber::SILICON, &si, 1.0).unwrap();
    let (frame, want) = (place.frames().swap_remove(0), field.forces());
    assert!((info(&frame, "energy")[0] / want.energy - 1.0).abs() < 1e-9, "energy");
    let forces = frame.forces.unwrap();
    for (f, want) in forces.iter().flatten().zip(want.forces.iter().flatten()) {
        assert!((f - want).abs() < 1e-9, "force {f}, not {want}");
    }
    // The same atoms by another name.
    let named = System { elements: vec!["Ge".to_owned()], ..si };
    let other = Place::new(&named);
    let args = format!("{options} {} --elements Ge=Si", potential);
    pass(&other.args(&args));
    assert_eq!(other.frames()[0].forces, Some(forces), "forces");
    let without = Place::new(&named);
    let args = format!("{options} {}", potential);
    let (exit, _, err) = said(&without.args(&args));
    assert_eq!(exit, Exit::Failure, "no parameters");
    assert!(err.contains("silicon.sw: ") && err.contains("Ge"), "{err}");
    let (_, _, err) = said(&without.args(&format!("{options} {}.none.sw", potential)));
    assert!(err.contains("silicon.sw.none.sw: cannot be read"), "{err}");
}

#[test]
fn the_help_says_what_is_written_and_how_a_run_goes_on() {
    for (verb, words) in [
        ("run", ["goes on from its last frame", "spcfw-ewald", "A/ps or A/fs", "[default: 100]"]),
        ("label", ["eV/A^3, positive under tension", "--frames", "--velocity-unit", "Kr=Ar"]),
    ] {
        let (exit, out, _) = said(&[verb, "--help"]);
        assert_eq!(exit, Exit::Pass, "{verb}");
        for word in words {
            assert!(out.contains(word), "{word} of {verb}: {out}");
        }
    }
}
