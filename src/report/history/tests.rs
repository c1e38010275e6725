use super::*;
use crate::record::{INSTRUCTIONS, counted};

fn revision(k: usize) -> Revision {
    Revision { commit: format!("{k:07x}{}", "0".repeat(33)), date: format!("2026-01-{:02}", k + 1) }
}

/// A version of an instruction record with these counts.
fn version(k: usize, counts: &[(&str, u64)]) -> (Revision, Record) {
    let case = |&(id, instructions): &(&str, u64)| {
        let mut row = counted(id, instructions, 0);
        row.implementation = if k < 2 { "scalar" } else { "avx2" }.to_owned();
        row
    };
    let libc = if k < 3 { "2.36" } else { "2.37" }.to_owned();
    let record = Record::new(&INSTRUCTIONS, [("libc".to_owned(), libc)].into());
    (revision(k), record.with(counts.iter().map(case).collect()))
}

fn history() -> History {
    let versions = [
        version(0, &[("a/b/n1", 1_234_567), ("a/gone/n1", 7)]),
        version(1, &[("a/b/n1", 1_234_567), ("a/gone/n1", 7)]),
        version(2, &[("a/b/n1", 1_000_000)]),
        version(3, &[("a/b/n1", 1_100_000), ("c/new/n1", 5)]),
    ];
    History::new(&INSTRUCTIONS, "machine", &versions)
}

#[test]
fn a_case_is_followed_from_its_first_to_its_last_revision() {
    let history = history();
    let [b, gone, new] = &history.tracks[..] else { panic!("{:?}", history.tracks) };
    assert_eq!((b.points.len(), gone.points.len(), new.points.len()), (4, 2, 1), "revisions");
    assert_eq!((b.first(), b.last()), (1_234_567.0, 1_100_000.0), "ends");
    assert_eq!(history.revision(&new.points[0]), &revision(3), "where it began");
    assert!(gone.changes.is_empty() && new.changes.is_empty(), "no changes");
}

#[test]
fn a_change_names_its_commit_its_size_and_its_implementations() {
    let text = history().text();
    let want = "\
instructions, machine: 4 revisions, 2026-01-01 to 2026-01-04
  0000003 2026-01-04  libc 2.36 -> 2.37
  case           first       last    change  revisions  changes
  a/b/n1     1,234,567  1,100,000  -10.90 %          4        2
      0000002 2026-01-03   -19.00 %  1,234,567 -> 1,000,000  (scalar -> avx2)
      0000003 2026-01-04   +10.00 %  1,000,000 -> 1,100,000
  a/gone/n1          7          7   +0.00 %          2        0  (no longer measured)
  c/new/n1           5          5   +0.00 %          1        0
";
    assert_eq!(text, want, "{text}");
}

#[test]
fn a_record_that_is_gone_says_since_when() {
    let history = History { removed: Some(revision(9)), ..history() };
    assert!(history.text().contains(", removed by 0000009 2026-01-10\n"), "{}", history.text());
}

#[cfg(feature = "figures")]
#[test]
fn a_figure_shows_all_cases_of_a_chapter_and_each_that_changed() {
    let histories = [history()];
    let figure = figure("a", &histories).unwrap();
    let titles: Vec<_> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    let all = "instructions, machine: 1 of 2 cases changed";
    assert_eq!(titles, [all, "a/b/n1: 1,234,567 -> 1,100,000"], "panels");
    let [all, one] = &figure.panels[..] else { panic!("two panels") };
    let labels: Vec<_> = all.series.iter().map(|series| series.label.as_str()).collect();
    assert_eq!(labels, ["1 other", "b/n1 (-10.90 %)", "", "other environment"], "the legend");
    assert_eq!(all.series[3].points, [(3.0, 0.0)], "where the C library changed");
    assert_eq!(all.x.names[2], "0000002\n2026-01-03", "the commits");
    let changes = one.series.last().unwrap();
    assert_eq!(changes.texts, ["0000002 -19.00 %", "0000003 +10.00 %"], "the changes");
    assert_eq!(changes.points.iter().map(|p| p.0).collect::<Vec<_>>(), [2.0, 3.0], "the places");
    let levels: Vec<f64> = one.series[1].points.iter().map(|p| p.0).collect();
    assert_eq!(levels, [0.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0], "the stairs");
    assert!(one.series[2].points.iter().all(|(_, y)| (-0.2..=0.0).contains(y)), "{one:?}");
    assert!(super::figure("none", &histories).is_none(), "no such chapter");
}

#[cfg(feature = "figures")]
#[test]
fn large_factors_are_drawn_on_a_logarithmic_axis() {
    let versions = [version(0, &[("a/b/n1", 1000)]), version(1, &[("a/b/n1", 50)])];
    let figure = figure("a", &[History::new(&INSTRUCTIONS, "machine", &versions)]).unwrap();
    assert_eq!(figure.panels[1].y.scale, crate::draw::figure::Scale::Log, "the axis");
    assert_eq!(figure.panels[1].series[2].points, [(0.0, 1.0), (1.0, 0.05)], "factors");
}
