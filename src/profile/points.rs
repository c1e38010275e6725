//! Points of a profile: a line each, from which a run that was killed resumes.
//!
//! The first line says what the run is of: options, sources, machine. A run of anything else is
//! refused, since its points would be of neither. A point is measured once, and read from its line
//! ever after, so that what is made of the points is made of the lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file::lines::{self, LineFile};
use crate::machine;

/// Identity of a run: names and values.
pub type Origin = BTreeMap<String, String>;

/// The name of the first point, which is the [`Origin`].
const ORIGIN: &str = "origin";

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is of no use.
    #[error(transparent)]
    Lines(#[from] lines::Error),
    /// Another run began the file, and was not finished.
    #[error(
        "{}: an unfinished profile with {what} {held}, and this one has {wanted}; finish that one, \
         or remove the file",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// The difference.
        what: String,
        /// Its value in the file.
        held: String,
        /// Its value now.
        wanted: String,
    },
    /// A point is not what it is made of.
    #[error("{}: {name}: {found}; remove the file", path.display())]
    Point {
        /// The file.
        path: PathBuf,
        /// The point.
        name: String,
        /// The flaw.
        found: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    point: Value,
}

type Check = fn(&Line, &[Line]) -> Result<(), String>;

/// The finished points of a run, and the file that they lie in while the run is not done.
#[derive(Debug)]
pub struct Points {
    path: PathBuf,
    origin: Origin,
    file: Option<LineFile<Check>>,
    lines: Vec<Line>,
}

impl Points {
    /// The points of a run with these options, of which a killed run may have left some at `path`.
    /// The file is made with the first point.
    ///
    /// # Errors
    ///
    /// If the file is of another run, or as [`LineFile::open`].
    pub fn open(path: &Path, options: Origin) -> Result<Self, Error> {
        let mut origin = options;
        origin.extend(machine::wall());
        origin.insert("sources".to_owned(), machine::SOURCE.to_owned());
        let mut points = Self { path: path.to_owned(), origin, file: None, lines: Vec::new() };
        if path.exists() {
            points.load()?;
        }
        Ok(points)
    }

    /// Opens the file, and reads what it holds.
    fn load(&mut self) -> Result<(), Error> {
        let (file, lines) = LineFile::open(&self.path, check as Check)?;
        (self.file, self.lines) = (Some(file), lines.values);
        let Some(first) = self.lines.first() else { return Ok(()) };
        let held: Origin = self.read(first)?;
        let names = self.origin.keys().chain(held.keys());
        let differs = names.map(|name| (name, held.get(name), self.origin.get(name)));
        match differs.into_iter().find(|(_, held, wanted)| held != wanted) {
            None => Ok(()),
            Some((what, held, wanted)) => {
                let said = |value: Option<&String>| value.map_or("none", String::as_str).to_owned();
                let (held, wanted) = (said(held), said(wanted));
                Err(Error::Other { path: self.path.clone(), what: what.clone(), held, wanted })
            }
        }
    }

    /// The point from its line; if there is none, measures it and appends one.
    ///
    /// # Errors
    ///
    /// Those of `measure`, and if the line cannot be written or is not of such a point.
    pub fn point<T, E>(
        &mut self,
        name: &str,
        measure: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error>,
    {
        let held = self.held(name);
        if held.is_none() {
            let point = measure()?;
            let point = serde_json::to_value(point).map_err(|err| self.bad(name, &err))?;
            // A number that is not finite could not be read again.
            T::deserialize(&point).map_err(|err| self.bad(name, &err))?;
            self.add(name, point)?;
        }
        let at = held.unwrap_or(self.lines.len() - 1);
        Ok(self.read(&self.lines[at])?)
    }

    /// The place of the point of this name.
    fn held(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.name == name)
    }

    /// Appends a point, after the origin where that is not there yet.
    fn add(&mut self, name: &str, point: Value) -> Result<(), Error> {
        if self.lines.is_empty() {
            let origin = self.origin.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str())));
            self.append(ORIGIN, Value::Object(origin.collect()))?;
        }
        self.append(name, point)
    }

    fn append(&mut self, name: &str, point: Value) -> Result<(), Error> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                let path = folder.to_owned();
                fs::create_dir_all(folder).map_err(|source| lines::Error::Io { path, source })?;
            }
            self.load()?;
        }
        let line = Line { name: name.to_owned(), point };
        self.file.as_mut().expect("it is open").append(&line, &self.lines)?;
        self.lines.push(line);
        Ok(())
    }

    fn read<T: DeserializeOwned>(&self, line: &Line) -> Result<T, Error> {
        T::deserialize(&line.point).map_err(|err| self.bad(&line.name, &err))
    }

    fn bad(&self, name: &str, err: &serde_json::Error) -> Error {
        Error::Point { path: self.path.clone(), name: name.to_owned(), found: err.to_string() }
    }

    /// Removes the file: the run is done, or would end the same way again.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(self) -> Result<(), Error> {
        if self.file.is_some() {
            let path = self.path.clone();
            fs::remove_file(&self.path).map_err(|source| lines::Error::Io { path, source })?;
        }
        Ok(())
    }
}

/// Requires the first line to be the origin, and no point to be there twice.
fn check(line: &Line, before: &[Line]) -> Result<(), String> {
    match before.first() {
        None if line.name != ORIGIN => Err("no profile begins so".to_owned()),
        _ if before.iter().any(|other| other.name == line.name) => {
            Err(format!("{} is there twice", line.name))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(q: u8) -> Origin {
        [("q".to_owned(), q.to_string())].into()
    }

    fn squares(points: &mut Points, up_to: u32) -> Result<Vec<u32>, Error> {
        (0..up_to).map(|k| points.point(&k.to_string(), || Ok(k * k))).collect()
    }

    #[test]
    fn a_run_resumes_where_it_was_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/points.jsonl");
        let mut points = Points::open(&path, options(4)).unwrap();
        assert!(!path.exists(), "nothing is finished");
        assert_eq!(squares(&mut points, 3).unwrap(), [0, 1, 4], "measured");
        drop(points);
        // A killed run may leave a part of a line.
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.clone() + "{\"name\":\"3\",\"poi").unwrap();
        let mut points = Points::open(&path, options(4)).unwrap();
        let again = points.point("2", || Ok::<_, Error>(77)).unwrap();
        assert_eq!(again, 4, "not measured again");
        assert_eq!(squares(&mut points, 5).unwrap(), [0, 1, 4, 9, 16], "the rest");
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.starts_with(&text) && whole.lines().count() == 6, "{whole}");
        points.remove().unwrap();
        assert!(!path.exists(), "the run is done");
    }

    #[test]
    fn another_run_is_refused_and_its_points_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("points.jsonl");
        squares(&mut Points::open(&path, options(4)).unwrap(), 2).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let refused = |options| Points::open(&path, options).unwrap_err().to_string();
        let err = refused(options(5));
        assert!(err.contains("unfinished profile with q 4, and this one has 5"), "{err}");
        let err = refused(Origin::new());
        assert!(err.contains("with q 4, and this one has none"), "{err}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "the file stays");
        fs::write(&path, text.replace(machine::SOURCE, "0123")).unwrap();
        let err = refused(options(4));
        assert!(err.contains("with sources 0123, and this one has"), "{err}");
        for (line, why) in [
            ("{\"name\":\"0\",\"point\":1}\n", "no profile begins so"),
            ("{\"id\":1}\n", "unknown field"),
        ] {
            fs::write(&path, line).unwrap();
            let err = refused(options(4));
            assert!(err.contains(why), "{err}");
        }
        fs::write(&path, text.clone() + text.lines().last().unwrap() + "\n").unwrap();
        assert!(refused(options(4)).contains("1 is there twice"), "{}", refused(options(4)));
    }

    #[test]
    fn a_run_that_fails_writes_nothing_and_a_number_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("points.jsonl");
        let bad =
            |name: &str| Error::Point { path: "x".into(), name: name.into(), found: "".into() };
        let mut points = Points::open(&path, options(4)).unwrap();
        points.point("a", || Err::<u32, _>(bad("a"))).unwrap_err();
        assert!(!path.exists(), "nothing is finished");
        let err = points.point("a", || Ok::<_, Error>(f64::NAN)).unwrap_err();
        assert!(err.to_string().contains("a: invalid type: null"), "{err}");
        assert!(!path.exists(), "it is not written");
    }
}
