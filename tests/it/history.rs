//! `stepmark history` on git repositories made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::SeedableRng as _;
use rand_distr::{Distribution as _, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use stepmark::cli::{self, Exit, Suite};
use stepmark::record::{INSTRUCTIONS, Instrument, Origin, Record, Row, Value, WALL};

/// A repository whose commits write baselines, one a day.
struct Repository {
    dir: tempfile::TempDir,
    commits: Vec<String>,
}

/// The output of a command, and how it ended.
#[derive(Debug)]
struct Said {
    exit: Exit,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn expect(&self, exit: Exit, texts: &[&str]) {
        assert_eq!(self.exit, exit, "{self:#?}");
        for text in texts {
            assert!(self.out.contains(text) || self.err.contains(text), "`{text}` in {self:#?}");
        }
    }
}

impl Repository {
    fn new() -> Self {
        let repository = Self { dir: tempfile::tempdir().unwrap(), commits: Vec::new() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        fs::create_dir(repository.baselines()).unwrap();
        repository
    }

    /// Thirty commits: counts with a step, noisy times with a step and one bad run.
    fn planted() -> Self {
        let mut repository = Self::new();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let normal = Normal::new(0.0, 0.01).unwrap();
        for k in 0..30 {
            let mut noisy = |ns: f64| ns * f64::exp(normal.sample(&mut rng));
            let step = if k < 12 { 1.0 } else { 0.9 };
            let slower = if k < 20 { 1.0 } else { 1.12 };
            let bad = if k == 5 { 1.6 } else { 1.0 };
            let walls = [
                ("lattice/encode/n100", noisy(1200.0 * bad)),
                ("md/step/n512", noisy(8e5 * slower)),
                ("md/step/n64", noisy(9e4)),
            ];
            let counts = [
                ("lattice/encode/n100", if k < 12 { 100_000 } else { 90_000 }),
                ("md/step/n512", 5_000_000 + 50 * k),
            ];
            repository.write(&WALL, "machine", &walls.map(|(id, ns)| wall(id, ns * step)));
            repository.write(&INSTRUCTIONS, "target", &counts.map(|(id, n)| counted(id, n)));
            repository.commit();
        }
        repository
    }

    fn baselines(&self) -> PathBuf {
        self.dir.path().join("baselines")
    }

    fn git(&self, args: &[&str]) -> String {
        let day = self.commits.len() + 1;
        let date = format!("2026-01-{day:02}T12:00:00+00:00");
        let out = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(self.dir.path())
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap();
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    fn file(&self, instrument: &Instrument, folder: &str, chapter: &str) -> PathBuf {
        self.baselines().join(folder).join(instrument.name).join(format!("{chapter}.json"))
    }

    fn write(&self, instrument: &Instrument, folder: &str, rows: &[Row]) {
        let fields = instrument.fields.iter().map(|field| ((*field).to_owned(), "x".to_owned()));
        let all = Record::new(instrument, fields.collect()).with(rows.to_vec());
        for (chapter, record) in all.by_chapter() {
            record.write(&self.file(instrument, folder, &chapter)).unwrap();
        }
    }

    fn commit(&mut self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "baselines: accept"]);
        self.commits.push(self.git(&["rev-parse", "--short=7", "HEAD"]));
    }

    fn run(&self, args: &str) -> Said {
        run(&self.baselines(), &self.dir.path().join("target"), args)
    }

    fn pictures(&self) -> Vec<String> {
        let dir = self.dir.path().join("target/stepmark/history");
        let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn run(baselines: &Path, target: &Path, args: &str) -> Said {
    let mut line = vec!["stepmark".to_owned(), "history".to_owned()];
    line.extend(args.split_whitespace().map(str::to_owned));
    line.extend(["--baseline".to_owned(), baselines.to_str().unwrap().to_owned()]);
    line.extend(["--target-dir".to_owned(), target.to_str().unwrap().to_owned()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = cli::run(&Suite::default(), line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { exit, out: text(out), err: text(err) }
}

fn row(id: &str, numbers: &[(&str, Value)]) -> Row {
    let started = "2026-01-02T03:04:05.678Z".to_owned();
    Row {
        id: id.to_owned(),
        implementation: "avx2".to_owned(),
        metrics: numbers.iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
        origin: Origin {
            commit: None,
            dirty: false,
            source: "0".to_owned(),
            started,
            reason: None,
        },
    }
}

fn wall(id: &str, median_ns: f64) -> Row {
    let quantiles =
        [("p05_ns", 0.9), ("p25_ns", 0.95), ("median_ns", 1.0), ("p75_ns", 1.1), ("p95_ns", 1.2)];
    let times = quantiles.map(|(name, share)| (name, (share * median_ns).into()));
    row(id, &[&times[..], &[("samples", 60.into())]].concat())
}

fn counted(id: &str, instructions: u64) -> Row {
    let number =
        |name: &'static str| (name, if name == "instructions" { instructions } else { 0 }.into());
    row(id, &INSTRUCTIONS.metrics.iter().copied().map(number).collect::<Vec<_>>())
}

#[test]
fn planted_steps_are_found_at_their_commits_and_noise_is_not() {
    let repository = Repository::planted();
    let said = repository.run("");
    said.expect(
        Exit::Pass,
        &[
            "instructions, target/lattice: 2 revisions, 2026-01-01 to 2026-01-13\n",
            "instructions, target/md: 30 revisions, 2026-01-01 to 2026-01-30\n",
            "wall, machine/md: 30 revisions, 2026-01-01 to 2026-01-30\n",
            "lattice.png",
            "md.png",
        ],
    );
    // In the order of the lines: times of three cases, then counts of two.
    let changes: Vec<_> = said.out.lines().filter(|line| line.starts_with("      ")).collect();
    let of = |k: usize| format!("{} 2026-01-{:02}", repository.commits[k], k + 1);
    let starts: Vec<&str> = changes.iter().map(|line| &line.trim_start()[..18]).collect();
    assert_eq!(starts, [of(12), of(12), of(20), of(12), of(12)], "{changes:#?}");
    assert!(changes[4].ends_with("  -10.00 %  100,000 -> 90,000"), "{}", changes[4]);
    assert!(changes[2].contains("  +1"), "slower: {}", changes[2]);
    assert_eq!(repository.pictures(), ["lattice.png", "md.png"], "one per chapter");
}

#[test]
fn filters_choose_cases_and_instruments() {
    let repository = Repository::planted();
    let said = repository.run("--filter n64 --no-plot");
    said.expect(Exit::Pass, &["wall, machine/md", "md/step/n64"]);
    assert!(!said.out.contains("n512") && !said.out.contains("instructions,"), "{}", said.out);
    assert!(repository.pictures().is_empty(), "no pictures");
    let said = repository.run("--instrument instructions --no-plot");
    assert!(!said.out.contains("wall, machine"), "{}", said.out);
    let said = repository.run("--filter nothing");
    said.expect(Exit::Usage, &["no case id in the history of", "contains `nothing`"]);
    repository.run("--instrument gpu").expect(Exit::Incomparable, &["that can be followed"]);
    let elsewhere = repository.dir.path().join("pictures");
    let said = repository.run(&format!("--filter md --output-dir {}", elsewhere.display()));
    said.expect(Exit::Pass, &["pictures/md.png"]);
    assert!(fs::read(elsewhere.join("md.png")).unwrap().starts_with(b"\x89PNG"), "a picture");
    let below_a_file = elsewhere.join("md.png");
    let said = repository.run(&format!("--output-dir {}", below_a_file.display()));
    said.expect(Exit::Failure, &["cannot write", "md.png"]);
}

#[test]
fn a_damaged_or_foreign_version_is_named_and_skipped() {
    let mut repository = Repository::new();
    let file = repository.file(&INSTRUCTIONS, "target", "a");
    repository.write(&INSTRUCTIONS, "target", &[counted("a/b/n1", 1000)]);
    repository.commit();
    let good = fs::read_to_string(&file).unwrap();
    for bad in [
        good.replace("\"schema\": 2", "\"schema\": 99").as_bytes(),
        &good.as_bytes()[..good.len() / 2],
        b"\xff\xfe",
    ] {
        fs::write(&file, bad).unwrap();
        repository.commit();
    }
    repository.write(&INSTRUCTIONS, "target", &[counted("a/b/n1", 2000)]);
    repository.commit();
    let note = |k: usize, why: &str| {
        let commit = &repository.commits[k];
        format!("note: target/instructions/a.json at {commit} is skipped: {why}")
    };
    let said = repository.run("");
    said.expect(
        Exit::Pass,
        &[
            &note(1, "schema 99, expected"),
            &note(2, "EOF while parsing"),
            &note(3, "bytes that are no text"),
            "instructions, target/a: 2 revisions",
            "1,000 -> 2,000",
        ],
    );
}

#[test]
fn a_removed_record_and_one_on_a_detached_head_are_still_history() {
    let mut repository = Repository::new();
    repository.write(&INSTRUCTIONS, "old", &[counted("a/b/n1", 1000)]);
    repository.commit();
    fs::remove_dir_all(repository.baselines().join("old")).unwrap();
    repository.write(&INSTRUCTIONS, "new", &[counted("a/b/n1", 1100)]);
    repository.commit();
    let removed = format!("old/a: 1 revision, removed by {} 2026-01-02", repository.commits[1]);
    repository.run("").expect(Exit::Pass, &[&removed, "new/a: 1 revision\n"]);
    repository.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    let said = repository.run("");
    said.expect(Exit::Pass, &["old/a: 1 revision\n"]);
    assert!(!said.out.contains("new/a:"), "not yet: {}", said.out);
}

#[test]
fn a_merge_is_one_change_and_its_branch_none() {
    let mut repository = Repository::new();
    repository.write(&INSTRUCTIONS, "target", &[counted("a/b/n1", 1000)]);
    repository.commit();
    repository.git(&["checkout", "--quiet", "-b", "branch"]);
    for n in [1200, 1500] {
        repository.write(&INSTRUCTIONS, "target", &[counted("a/b/n1", n)]);
        repository.commit();
    }
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--no-edit", "branch"]);
    let merge = repository.git(&["rev-parse", "--short=7", "HEAD"]);
    let said = repository.run("--no-plot");
    said.expect(Exit::Pass, &["target/a: 2 revisions", "1,000 -> 1,500", &merge]);
    assert!(!said.out.contains("1,200"), "the branch: {}", said.out);
}

#[test]
fn what_has_no_history_is_an_error_that_says_why() {
    let outside = tempfile::tempdir().unwrap();
    let said = run(outside.path(), outside.path(), "");
    said.expect(Exit::Failure, &["git rev-parse", "not a git repository"]);
    run(&outside.path().join("no"), outside.path(), "").expect(Exit::Incomparable, &["no such"]);

    let mut repository = Repository::new();
    repository.run("").expect(Exit::Incomparable, &["no commit holds a record"]);
    fs::write(repository.baselines().join("README.md"), "text").unwrap();
    repository.commit();
    repository.run("--filter a").expect(Exit::Incomparable, &["no commit holds a record"]);
    repository.write(&INSTRUCTIONS, "target", &[counted("a/b/n1", 1000)]);
    repository.commit();

    let url = format!("file://{}", repository.dir.path().display());
    let clone = outside.path().join("clone");
    repository.git(&["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    let said = run(&clone.join("baselines"), outside.path(), "");
    said.expect(Exit::Failure, &["is in a shallow clone", "git fetch --unshallow"]);
}

#[test]
fn without_git_it_is_a_tool_failure() {
    let repository = Repository::planted();
    let out = Command::new(env!("CARGO_BIN_EXE_stepmark"))
        .args(["history", "--no-plot", "--baseline"])
        .arg(repository.baselines())
        .env("PATH", repository.dir.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot run git"), "{out:?}");
}
