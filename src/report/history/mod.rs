//! The committed baselines over time: each case's numbers, and the revisions that changed them.

mod changes;
#[cfg(feature = "figures")]
mod chart;

use std::collections::BTreeMap;

use crate::draw::{Table, numbers};
use crate::machine::Environment;
use crate::machine::git::Revision;
use crate::record::Record;
use crate::record::metric::{self, Instrument};
#[cfg(feature = "figures")]
pub use chart::figure;

/// One record over time: a chapter by one instrument on one machine or toolchain.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Name of the instrument.
    pub instrument: &'static str,
    /// Its place below the baselines: the folder of the machine or toolchain, and the chapter.
    pub folder: String,
    /// Whether equal code gives equal numbers.
    pub exact: bool,
    /// The commits that wrote it, oldest first.
    pub revisions: Vec<Revision>,
    /// The commit that removed it, if it is gone.
    pub removed: Option<Revision>,
    /// Where the environment changed, oldest first.
    pub moves: Vec<Move>,
    /// The cases, sorted by id.
    pub tracks: Vec<Track>,
}

/// A change of what all numbers of a record depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The position in [`History::revisions`].
    pub revision: usize,
    /// The fields that changed, each with its values before and after.
    pub fields: Vec<String>,
}

/// One case over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The case.
    pub id: String,
    /// Its numbers, oldest first; at least one.
    pub points: Vec<Point>,
    /// Where its level changed, oldest first.
    pub changes: Vec<Change>,
}

/// The number of a case at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The position in [`History::revisions`].
    pub revision: usize,
    /// A count, or nanoseconds.
    pub value: f64,
    /// Which implementation was measured.
    pub implementation: String,
}

/// A change of the level of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The position in [`Track::points`] of the first number of the new level.
    pub point: usize,
    /// The level before.
    pub from: f64,
    /// The level from there on.
    pub to: f64,
    /// The implementations before and from there on, if they differ.
    pub implementations: Option<[String; 2]>,
}

impl History {
    /// The history of the instrument's record in `folder`, from its versions, oldest first.
    pub fn new(
        instrument: &Instrument,
        folder: impl Into<String>,
        versions: &[(Revision, Record)],
    ) -> Self {
        let followed = instrument.shown[0];
        let exact = metric::metric(followed).is_some_and(|metric| metric.exact);
        let mut points = BTreeMap::<&str, Vec<Point>>::new();
        for (revision, (_, record)) in versions.iter().enumerate() {
            for case in &record.cases {
                let implementation = case.implementation.clone();
                let point = Point { revision, value: case.number(followed), implementation };
                points.entry(&case.id).or_default().push(point);
            }
        }
        let track = |(id, points): (&str, Vec<Point>)| {
            let values: Vec<f64> = points.iter().map(|point| point.value).collect();
            let levels = changes::levels(&values, exact);
            let changes = levels.windows(2).map(|pair| {
                let point = pair[1].start;
                let [old, new] = [point - 1, point].map(|k| points[k].implementation.clone());
                let implementations = (old != new).then_some([old, new]);
                Change { point, from: pair[0].value, to: pair[1].value, implementations }
            });
            Track { id: id.to_owned(), changes: changes.collect(), points }
        };
        let moves = (1..versions.len()).map(|revision| {
            let [old, new] = [revision - 1, revision].map(|k| &versions[k].1.environment);
            Move { revision, fields: moved(old, new) }
        });
        Self {
            instrument: instrument.name,
            folder: folder.into(),
            exact,
            revisions: versions.iter().map(|(revision, _)| revision.clone()).collect(),
            removed: None,
            moves: moves.filter(|moved| !moved.fields.is_empty()).collect(),
            tracks: points.into_iter().map(track).collect(),
        }
    }

    /// Where a point was measured.
    pub fn revision(&self, point: &Point) -> &Revision {
        &self.revisions[point.revision]
    }

    /// The lines to print: one for each case, and below it one for each of its changes.
    pub fn text(&self) -> String {
        let head = ["case", "first", "last", "change", "revisions", "changes"];
        let row = |track: &Track| {
            let (first, last) = (track.first(), track.last());
            vec![
                track.id.clone(),
                self.written(first),
                self.written(last),
                percent(first, last),
                track.points.len().to_string(),
                track.changes.len().to_string(),
            ]
        };
        let rows: Vec<_> = self.tracks.iter().map(row).collect();
        let table = Table::new(&head, rows).text();
        let (head, lines) = table.split_once('\n').unwrap_or((&table, ""));
        let mut text = self.title();
        for Move { revision, fields } in &self.moves {
            let revision = &self.revisions[*revision];
            let (commit, date) = (revision.short(), &revision.date);
            text += &format!("\n  {commit} {date}  {}", fields.join(", "));
        }
        text += &format!("\n  {head}");
        for (line, track) in lines.lines().zip(&self.tracks) {
            text += &format!("\n  {line}");
            let newest = track.points.last().map_or(0, |point| point.revision);
            if newest + 1 < self.revisions.len() {
                text += "  (no longer measured)";
            }
            for change in &track.changes {
                let revision = self.revision(&track.points[change.point]);
                let (commit, date) = (revision.short(), &revision.date);
                let (from, to) = (self.written(change.from), self.written(change.to));
                let percent = percent(change.from, change.to);
                text += &format!("\n      {commit} {date}  {percent:>9}  {from} -> {to}");
                if let Some([old, new]) = &change.implementations {
                    text += &format!("  ({old} -> {new})");
                }
            }
        }
        text.push('\n');
        text
    }

    /// The instrument, the folder, and how many commits wrote the record.
    fn title(&self) -> String {
        let count = self.revisions.len();
        let s = if count == 1 { "" } else { "s" };
        let mut title = format!("{}, {}: {count} revision{s}", self.instrument, self.folder);
        if let [first, .., last] = &self.revisions[..] {
            title += &format!(", {} to {}", first.date, last.date);
        }
        if let Some(removed) = &self.removed {
            title += &format!(", removed by {} {}", removed.short(), removed.date);
        }
        title
    }

    /// A value with its unit.
    fn written(&self, value: f64) -> String {
        if self.exact {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count that became a float"
            )]
            return numbers::thousands(value as u64);
        }
        numbers::time(value)
    }
}

impl Track {
    /// The first number.
    ///
    /// # Panics
    ///
    /// If the track has no points.
    pub fn first(&self) -> f64 {
        self.points.first().expect("a track has points").value
    }

    /// The last number.
    ///
    /// # Panics
    ///
    /// If the track has no points.
    pub fn last(&self) -> f64 {
        self.points.last().expect("a track has points").value
    }
}

/// The fields that differ between two environments.
fn moved(old: &Environment, new: &Environment) -> Vec<String> {
    let differs = |(name, after): (&String, &String)| {
        let before = old.get(name).map_or("", String::as_str);
        (before != after).then(|| format!("{name} {before} -> {after}"))
    };
    new.iter().filter_map(differs).collect()
}

fn percent(from: f64, to: f64) -> String {
    format!("{:+.2} %", 100.0 * (to / from - 1.0))
}

#[cfg(test)]
mod tests;
