//! A bench that has run: records and baselines in a folder of their own, and the command on them.

use std::fs;
use std::path::{Path, PathBuf};

use stepmark::case::Case;
use stepmark::cli::{self, Exit, Suite};
use stepmark::record::{Instructions, Measure, Record};
use stepmark::{machine, registry};

/// A folder with a baseline, and a copy of it as the fresh record.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) record: Record<Instructions>,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn expect(&self, exit: Exit, texts: &[&str]) {
        assert_eq!(self.exit, exit, "{self:#?}");
        for text in texts {
            assert!(self.out.contains(text) || self.err.contains(text), "`{text}` in {self:#?}");
        }
    }
}

impl Bench {
    /// The committed instruction baseline, and the same numbers as if just measured.
    ///
    /// Cases that it does not hold yet get made-up counts, so that a new workload is tested before
    /// it is accepted.
    pub(crate) fn committed() -> Self {
        let own = format!("{}-rustc-{}", machine::TARGET, machine::RUSTC);
        let mut folders: Vec<_> =
            fs::read_dir("baselines").unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort_by_key(|folder| !folder.ends_with(&own));
        let mut files = folders.into_iter().map(|folder| folder.join("instructions.json"));
        let file = files.find(|file| file.exists()).expect("a committed instruction baseline");
        let mut record = Record::<Instructions>::read(&file).unwrap();
        record.source = machine::SOURCE.to_owned();
        record.environment.extend(machine::toolchain());
        (record.commit, record.dirty, record.reason) = (Some("0123".to_owned()), false, None);
        let counts = |case: &Case| Instructions {
            id: case.id.clone(),
            implementation: case.implementation.to_owned(),
            instructions: 100_000,
            d1_misses: 0,
            ll_misses: 0,
            heap_blocks: 0,
            heap_bytes: 0,
        };
        let old = record.by_id();
        let same = |case: &Case| old.get(case.id.as_str()).map(|old| (*old).clone());
        let mut cases: Vec<_> =
            cases().iter().map(|case| same(case).unwrap_or_else(|| counts(case))).collect();
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        record.cases = cases;
        let bench = Self { dir: tempfile::tempdir().unwrap(), record };
        bench.record.write(&bench.baseline()).unwrap();
        bench.measured(|_| ());
        bench
    }

    pub(crate) fn baselines(&self) -> PathBuf {
        self.dir.path().join("baselines")
    }

    pub(crate) fn baseline(&self) -> PathBuf {
        let environment = &self.record.environment;
        let folder = format!("{}-rustc-{}", environment["target"], environment["rustc"]);
        self.baselines().join(folder).join("instructions.json")
    }

    pub(crate) fn fresh<M: Measure>(&self) -> PathBuf {
        self.dir.path().join("target/stepmark").join(format!("{}.json", M::INSTRUMENT))
    }

    pub(crate) fn record_of(
        &self,
        change: impl FnOnce(&mut Record<Instructions>),
    ) -> Record<Instructions> {
        let mut record = self.record.clone();
        change(&mut record);
        record
    }

    /// Plants a change in the fresh record.
    pub(crate) fn measured(&self, change: impl FnOnce(&mut Record<Instructions>)) {
        self.record_of(change).write(&self.fresh::<Instructions>()).unwrap();
    }

    pub(crate) fn run(&self, args: &str) -> Said {
        self.run_with(cases(), args)
    }

    pub(crate) fn run_with(&self, cases: Vec<Case>, args: &str) -> Said {
        let suite = Suite { cases, ..Suite::default() };
        let mut line = vec!["stepmark".into()];
        line.extend(args.split_whitespace().map(str::to_owned));
        line.extend(["--target-dir".to_owned(), path(&self.dir.path().join("target"))]);
        let compares = args.starts_with("gate") || args.starts_with("accept");
        if compares && !args.contains("--baseline") {
            line.extend(["--baseline".to_owned(), path(&self.baselines())]);
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = cli::run(&suite, line, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { exit, out: text(out), err: text(err) }
    }

    /// A case to plant something in, and its id.
    pub(crate) fn first(&self) -> &str {
        &self.record.cases[0].id
    }
}

/// The cases that are counted; the others are larger, and a gate run only checks them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = registry::cases();
    cases.retain(|case| !case.timed_only);
    cases
}

pub(crate) fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
