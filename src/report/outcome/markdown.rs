//! An outcome as a comment on a pull request, in the Markdown of GitHub.
//!
//! The words of a kernel or a panic are shown as code, where it mentions nobody and links nothing.

use super::terminal::summary;
use crate::case;
use crate::draw::Table;
use crate::draw::numbers::{thousands, time};
use crate::gate::{Exit, Finding, Head, Matched, Outcome, Timed};
use crate::record::Row;

/// GitHub refuses a comment of more than 65,536 characters; so many rows of each table fit.
const MOST_FINDINGS: usize = 40;
const MOST_ROWS: usize = 80;
const MOST_CHARS: usize = 300;

/// The verdict, what is not the same, and the rest folded away.
pub fn markdown(outcome: &Outcome) -> String {
    let mut text = headline(outcome);
    text += &format!("\nAgainst {}: {}.\n", code(&outcome.head.against), counted(outcome));
    text += &findings(outcome);
    text += &reproduce(outcome);
    text += &duet(outcome);
    text += &counts(outcome);
    text += &walls(outcome);
    text + &footer(outcome)
}

fn headline(outcome: &Outcome) -> String {
    let advisory = outcome.advisory();
    let sign = match (outcome.exit(), &advisory) {
        (Exit::Pass, None) => ":white_check_mark:",
        (Exit::Pass, Some(_)) => ":warning:",
        _ => ":x:",
    };
    let (verdict, code) = (outcome.verdict(), outcome.exit().code());
    let (also, warning) = advisory.map_or_else(Default::default, |why| {
        let also = if outcome.exit() == Exit::Pass { "" } else { ", paired times advisory" };
        (also, format!("\n> [!WARNING]\n> Advisory: {}\n", self::code(&why)))
    });
    format!(
        "### {sign} stepmark {}: {verdict} (exit {code}){also}\n{warning}",
        outcome.head.command
    )
}

/// The summary of the terminal, less the verdict.
fn counted(outcome: &Outcome) -> String {
    let line = summary(outcome);
    line.split_once(": ").map_or(line.clone(), |(_, rest)| rest.to_owned())
}

fn findings(outcome: &Outcome) -> String {
    let all = outcome.worst_first();
    if all.is_empty() {
        return String::new();
    }
    let row = |found: &&Finding| {
        let kind = found.kind();
        let kind = if found.exit == Exit::Pass { kind.to_owned() } else { format!("**{kind}**") };
        // A failure is shown again by the lines below the table.
        let next = found.next.as_ref().filter(|_| found.exit == Exit::Pass);
        let next = next.map_or_else(String::new, |next| format!("; {next}"));
        vec![kind, cell(&found.about), cell(&format!("{}{next}", found.what))]
    };
    let rows = all.iter().take(MOST_FINDINGS).map(row).collect();
    let table = Table::new(&["", "case", "found"], rows).markdown("l");
    format!("\n{table}{}", more(all.len(), MOST_FINDINGS))
}

fn reproduce(outcome: &Outcome) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for found in outcome.worst_first().into_iter().filter(|found| found.exit != Exit::Pass) {
        if let Some(next) = found.next.as_deref().filter(|next| !lines.contains(next)) {
            lines.push(next);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let all = lines.len();
    lines.truncate(MOST_FINDINGS);
    let lines = lines.join("\n");
    let fence = fence(&lines, 3);
    let body = format!("{fence}sh\n{lines}\n{fence}\n{}", more(all, MOST_FINDINGS));
    folded("Reproduce or mend", &body)
}

fn duet(outcome: &Outcome) -> String {
    let Some(duet) = &outcome.duet else { return String::new() };
    let mut cases: Vec<_> = duet.cases.iter().collect();
    cases.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let row = |case: &&Timed| {
        vec![
            cell(&case.id),
            time(case.old_ns),
            time(case.new_ns),
            percent(case.ratio),
            format!("{} to {}", percent(case.low), percent(case.high)),
            format!("{:.1} %", 100.0 * case.margin),
            case.pairs.to_string(),
            case.change.to_string(),
        ]
    };
    let rows = cases.iter().take(MOST_ROWS).map(row).collect();
    let head = ["case", "old", "new", "change", "95 % interval", "margin", "pairs", ""];
    let body = Table::new(&head, rows).markdown("lr") + &more(cases.len(), MOST_ROWS);
    folded(&format!("Paired times of {}", case::count(cases.len())), &body)
}

fn counts(outcome: &Outcome) -> String {
    let mut rows: Vec<_> = outcome.counts.iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    let ratio = |matched: &Matched| {
        let of = |row: &Row| row.number("instructions");
        of(&matched.new) / of(&matched.old)
    };
    rows.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let row = |matched: &&Matched| {
        let of = |name| [&matched.old, &matched.new].map(|row| row.count(name));
        let both = |name| match of(name) {
            [old, new] if old == new => thousands(new),
            [old, new] => format!("{} -> {}", thousands(old), thousands(new)),
        };
        let [old, new] = of("instructions").map(thousands);
        let change = percent(ratio(matched));
        let [d1, ll, heap] = ["d1_misses", "ll_misses", "heap_blocks"].map(both);
        vec![cell(&matched.new.id), old, new, change, d1, ll, heap]
    };
    let cells = rows.iter().take(MOST_ROWS).map(row).collect();
    let head =
        ["case", "instructions, old", "new", "change", "D1 misses", "LL misses", "heap blocks"];
    let body = Table::new(&head, cells).markdown("lr") + &more(rows.len(), MOST_ROWS);
    folded(&format!("Counts of {}", case::count(rows.len())), &body)
}

fn walls(outcome: &Outcome) -> String {
    let walls = match &outcome.walls {
        Ok(walls) if !walls.is_empty() => walls,
        _ => return String::new(),
    };
    let mut found: Vec<_> = outcome.ratios().into_iter().zip(walls).collect();
    found.sort_by(|(a, _), (b, _)| b.ratio.total_cmp(&a.ratio));
    let rows = found
        .iter()
        .take(MOST_ROWS)
        .map(|(ratio, matched)| {
            let apart = if ratio.overlap { "" } else { "5-95 % ranges apart" };
            let [old, new] = [&matched.old, &matched.new].map(|row| time(row.number("median_ns")));
            vec![cell(&ratio.id), old, new, format!("{:.3}", ratio.ratio), apart.to_owned()]
        })
        .collect();
    let head = ["case", "old median", "new median", "new / old", ""];
    let body = Table::new(&head, rows).markdown("lr") + &more(found.len(), MOST_ROWS);
    folded("Wall times beside the saved ones (inform only)", &body)
}

fn footer(outcome: &Outcome) -> String {
    let Head { harness, commit, dirty, started, .. } = &outcome.head;
    let changes = if *dirty && commit.is_some() { " with changes" } else { "" };
    let commit = commit.as_deref().unwrap_or("unknown");
    let commit = commit.get(..12).unwrap_or(commit);
    format!("\n<sub>stepmark {harness}, commit {commit}{changes}, {started}</sub>\n")
}

fn folded(title: &str, body: &str) -> String {
    format!("\n<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

fn more(all: usize, shown: usize) -> String {
    if all > shown { format!("\nAnd {} more.\n", all - shown) } else { String::new() }
}

fn percent(ratio: f64) -> String {
    format!("{:+.2} %", 100.0 * (ratio - 1.0))
}

/// Code in a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Text as code, cut where it is too long.
fn code(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some((end, _)) = text.char_indices().nth(MOST_CHARS) {
        text.truncate(end);
        text += "...";
    }
    let fence = fence(&text, 1);
    // A blank on both sides is taken away again, and keeps a backtick from joining the fence.
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// At least `least` backticks, and more than follow each other in `text`.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::gate::{Counts, Duet, Findings, Question, Slower};

    #[test]
    fn the_headline_has_verdict_and_exit_code() {
        for (outcome, want) in [
            (samples::pass(), "### :white_check_mark: stepmark gate: pass (exit 0)"),
            (samples::regression(), "### :x: stepmark gate: regression (exit 3)"),
            (samples::duet(), "### :x: stepmark duet: regression (exit 3)"),
            (samples::advisory(), "### :warning: stepmark duet: advisory (exit 0)"),
            (samples::informed(), "### :warning: stepmark gate: advisory (exit 0)"),
        ] {
            assert_eq!(markdown(&outcome).lines().next(), Some(want), "headline");
        }
    }

    #[test]
    fn an_advisory_run_is_never_called_a_pass() {
        for (outcome, why) in [
            (samples::advisory(), "> Advisory: `paired times only inform: lattice/encode/n1"),
            (samples::informed(), "> Advisory: `nothing that decides was compared`"),
        ] {
            let text = markdown(&outcome);
            assert!(!text.to_lowercase().contains("pass"), "{text}");
            assert!(text.contains(why), "{text}");
        }
        let text = markdown(&samples::advisory_and_wrong());
        let want = "### :x: stepmark duet: wrong result (exit 4), paired times advisory";
        assert_eq!(text.lines().next(), Some(want), "{text}");
    }

    #[test]
    fn the_worst_case_comes_first_and_what_is_the_same_has_no_row() {
        let text = markdown(&samples::duet());
        let rows: Vec<_> = text
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.split(" | ").nth(1).unwrap())
            .collect();
        let want = [
            "`md/forces/n2`",
            "`lattice/encode/n1`",
            "`md/forces/n1`",
            "`md/new/n1`",
            "`lattice/encode/n2`",
        ];
        assert_eq!(rows, want, "{text}");
        assert!(!markdown(&samples::pass()).contains("| found |"), "nothing to say");
    }

    #[test]
    fn a_failure_is_reproduced_by_a_line_in_a_fold() {
        let text = markdown(&samples::regression());
        let fold = text.split("<summary>Reproduce or mend</summary>").nth(1).unwrap();
        let want = "\n\n```sh\ncargo bench --bench instructions\n```\n\n</details>";
        assert!(fold.starts_with(want), "{fold}");
        assert!(!markdown(&samples::pass()).contains("Reproduce"), "nothing to reproduce");
    }

    #[test]
    fn what_a_kernel_says_is_code_and_stays_in_its_cell() {
        let text = markdown(&samples::wrong());
        let row = text.lines().find(|line| line.contains("@all")).unwrap();
        assert!(row.contains("| ``y[0] is <b>-1\\|`x`</b> & \"1\", @all #1"), "{row}");
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 4, "{row}");
        assert_eq!(code("`"), "`` ` ``", "a backtick alone");
    }

    #[test]
    fn a_comment_is_never_too_long_for_github() {
        let few = samples::regression();
        let duet = samples::duet().duet.unwrap();
        let mut wrong = Findings::of(Question::Right);
        for k in 0..1000 {
            let (about, next) = (format!("{k:060}"), format!("{k:0300}"));
            wrong.push(Exit::Wrong, about, "x".repeat(2000), Some(next));
        }
        let outcome = samples::with(|parts| {
            let (rows, findings) = (vec![few.counts[0].clone(); 1000], Findings::default());
            parts.counts = Counts::Compared { rows, findings };
            parts.walls.rows = Ok(vec![few.walls.as_ref().unwrap()[1].clone(); 1000]);
            let cases = vec![duet.cases[0].clone(); 1000];
            let (duet, findings) = (Duet { cases, ..duet }, Findings::default());
            parts.slower = Slower::Answered { duet, findings };
            parts.right = Some(wrong);
        });
        let text = markdown(&outcome);
        assert!(text.len() < 65_536, "{} bytes", text.len());
        assert!(text.contains("And 960 more.") && text.contains("And 920 more."), "{text}");
    }
}
