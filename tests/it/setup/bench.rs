//! A bench that has run: records and baselines in a folder of their own, and the command on them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use stepmark::case::Case;
use stepmark::cli::{self, Exit, Suite};
use stepmark::record::{self, INSTRUCTIONS, Instrument, Origin, Record, Row};
use stepmark::{machine, registry};

/// A folder with baselines, and a copy of them as the fresh records.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    /// The rows of all chapters.
    pub(crate) record: Record,
    /// The cases of its commands.
    pub(crate) cases: fn() -> Vec<Case>,
}

/// The output of a command, and how it ended.
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

/// Counts that nothing measured.
pub(crate) fn counted(id: &str, implementation: &str, instructions: u64) -> Row {
    let mut row = Row {
        id: id.to_owned(),
        implementation: implementation.to_owned(),
        metrics: INSTRUCTIONS.metrics.iter().map(|name| ((*name).to_owned(), 0.into())).collect(),
        origin: origin(),
    };
    set(&mut row, "instructions", |_| instructions);
    row
}

/// A run of the sources at hand, committed.
pub(crate) fn origin() -> Origin {
    Origin {
        commit: Some("0123".to_owned()),
        dirty: false,
        source: machine::SOURCE.to_owned(),
        started: "2026-01-02T03:04:05.678Z".to_owned(),
        reason: None,
    }
}

/// Changes a count of a row.
pub(crate) fn set(row: &mut Row, name: &str, change: impl FnOnce(u64) -> u64) {
    let count = row.count(name);
    row.metrics.insert(name.to_owned(), change(count).into());
}

impl Bench {
    /// The committed instruction baselines, and the same numbers as if just measured.
    ///
    /// Cases that they do not hold yet get made-up counts, so that a new workload is tested before
    /// it is accepted.
    pub(crate) fn committed() -> Self {
        Self::of(cases)
    }

    /// The same of [`few`] cases, which are soon checked.
    pub(crate) fn of_few() -> Self {
        Self::of(few)
    }

    fn of(cases: fn() -> Vec<Case>) -> Self {
        let own = format!("{}-rustc-{}", machine::TARGET, machine::RUSTC);
        let mut folders: Vec<_> =
            fs::read_dir("baselines").unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort_by_key(|folder| !folder.ends_with(&own));
        let mut folders = folders.into_iter().map(|folder| folder.join(INSTRUCTIONS.name));
        let folder = folders.find(|dir| dir.is_dir()).expect("a committed instruction baseline");
        let mut record = read_all(&INSTRUCTIONS, &folder);
        record.environment.extend(machine::toolchain());
        let old = record.by_id();
        let row = |case: &Case| {
            let same = old.get(case.id.as_str()).map(|old| (*old).clone());
            let row = same.unwrap_or_else(|| counted(&case.id, case.implementation, 100_000));
            Row { origin: origin(), ..row }
        };
        let record = record.with(cases().iter().map(row).collect());
        let bench = Self { dir: tempfile::tempdir().unwrap(), record, cases };
        bench.accepted(&INSTRUCTIONS, &bench.record);
        bench.measured(|_| ());
        bench
    }

    pub(crate) fn baselines(&self) -> PathBuf {
        self.dir.path().join("baselines")
    }

    /// The baseline of an instrument's chapter, in the environment of `record`.
    pub(crate) fn baseline(
        &self,
        instrument: &Instrument,
        record: &Record,
        chapter: &str,
    ) -> PathBuf {
        record::baseline(&self.baselines(), instrument, &record.environment, chapter)
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.dir.path().join("target")
    }

    /// The fresh record of an instrument's chapter.
    pub(crate) fn fresh(&self, instrument: &Instrument, chapter: &str) -> PathBuf {
        record::fresh(&self.target(), instrument, chapter)
    }

    pub(crate) fn record_of(&self, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = self.record.clone();
        change(&mut record);
        record
    }

    /// Plants a change in the fresh records.
    pub(crate) fn measured(&self, change: impl FnOnce(&mut Record)) {
        self.put(&INSTRUCTIONS, &self.record_of(change));
    }

    /// Makes the rows of all chapters the fresh records of an instrument, and no others.
    pub(crate) fn put(&self, instrument: &Instrument, record: &Record) {
        let _ = fs::remove_dir_all(self.target().join("stepmark").join(instrument.name));
        for (chapter, record) in record.by_chapter() {
            record.write(&self.fresh(instrument, &chapter)).unwrap();
        }
    }

    /// Makes the rows of all chapters the baselines of an instrument, and no others.
    pub(crate) fn accepted(&self, instrument: &Instrument, record: &Record) {
        let folder = self.baseline(instrument, record, "x");
        let _ = fs::remove_dir_all(folder.parent().unwrap());
        for (chapter, of) in record.by_chapter() {
            of.write(&self.baseline(instrument, record, &chapter)).unwrap();
        }
    }

    pub(crate) fn run(&self, args: &str) -> Said {
        self.run_with((self.cases)(), args)
    }

    pub(crate) fn run_with(&self, cases: Vec<Case>, args: &str) -> Said {
        let suite = Suite { cases, ..Suite::default() };
        let mut line = vec!["stepmark".into()];
        line.extend(args.split_whitespace().map(str::to_owned));
        line.extend(["--target-dir".to_owned(), path(&self.target())]);
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

    /// The chapter of that case.
    pub(crate) fn chapter(&self) -> &str {
        self.record.cases[0].chapter()
    }

    /// The first row of the chapter with the most cases, which follow it.
    pub(crate) fn largest(&self) -> usize {
        let chapters = self.record.by_chapter();
        let (largest, _) = chapters.iter().max_by_key(|(_, of)| of.cases.len()).unwrap();
        self.record.cases.iter().position(|row| row.chapter() == largest).unwrap()
    }
}

/// The rows of all records in a folder.
pub(crate) fn read_all(instrument: &Instrument, folder: &Path) -> Record {
    let chapters = record::chapters(folder);
    let read = |chapter: &String| {
        Record::read(instrument, &folder.join(format!("{chapter}.json"))).unwrap()
    };
    let all: Vec<Record> = chapters.iter().map(read).collect();
    all[0].with(all.iter().flat_map(|record| record.cases.clone()).collect())
}

/// The cases that are counted; the others are larger, and a gate run only checks them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = registry::cases();
    cases.retain(Case::is_counted);
    cases
}

/// The first two of each chapter's.
pub(crate) fn few() -> Vec<Case> {
    let mut cases = cases();
    let mut of = HashMap::new();
    cases.retain(|case| {
        let taken = of.entry(case.chapter().to_owned()).or_insert(0);
        *taken += 1;
        *taken <= 2
    });
    cases
}

pub(crate) fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
