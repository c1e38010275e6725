//! The Markdown report of a profile: verdicts first, then the numbers that they are made of.

use super::summary::{self, Loop};
use crate::draw::Table;
use crate::draw::numbers::time;
use crate::stats::{Method, Samples};

/// One answer of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The question: `memory`, `validity`, `tail`.
    pub name: String,
    /// Whether all is well; none where it is not known.
    pub good: Option<bool>,
    /// The finding, in one sentence.
    pub said: String,
}

/// A target of the documents, with the number that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The quantity with its limit: `p99 below 3x mean`.
    pub name: String,
    /// The number, with its unit.
    pub found: String,
    /// Whether it is met; none where it is not known.
    pub met: Option<bool>,
}

/// All that the report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<'a> {
    /// Model and system: `Stillinger-Weber silicon, 64 atoms`.
    pub subject: &'a str,
    /// The verdicts, the most wanted first.
    pub verdicts: &'a [Verdict],
    /// The run.
    pub run: &'a Loop,
    /// Seconds of each step.
    pub latencies: &'a Samples,
    /// Where the time goes, and what to do about it, in order.
    pub recommendations: &'a [String],
    /// Targets.
    pub targets: &'a [Target],
    /// Other tables, each under its title.
    pub tables: &'a [(String, Table)],
    /// Circumstances: names and values.
    pub conditions: &'a [(String, String)],
    /// Names of the other files.
    pub files: &'a [String],
}

/// `yes`, `no`, or `not known`.
fn word(is: Option<bool>) -> &'static str {
    match is {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    }
}

/// A text that fits a field of a table: in one line, with no mark that ends the field.
fn field(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().map(|item| format!("- {}\n", item.replace('\n', " "))).collect()
}

/// Quantiles that the report shows.
const QUANTILES: [(&str, f64); 5] =
    [("min", 0.0), ("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

/// The report as Markdown.
///
/// # Panics
///
/// If there is no latency.
pub fn markdown(report: &Report<'_>) -> String {
    let Report { subject, verdicts, run, latencies, recommendations, targets, .. } = *report;
    let mut text = format!("# MD profile: {subject}\n\n");
    let row = |v: &Verdict| vec![field(&v.name), word(v.good).to_owned(), field(&v.said)];
    let rows = verdicts.iter().map(row).collect();
    text += &Table::new(&["Verdict", "Good", "Found"], rows).markdown("l");
    text += "\n## Steps\n\n```text\n";
    text += &summary::text(run);
    text += "```\n\n## Latency\n\n";
    let seconds = |seconds: f64| time(1e9 * seconds);
    let mean = latencies.mean();
    let mut rows = vec![vec!["mean".to_owned(), seconds(mean), "1.00".to_owned()]];
    let over = |value: f64| if mean > 0.0 { format!("{:.2}", value / mean) } else { "-".into() };
    for (name, p) in QUANTILES {
        let value = latencies.quantile(p, Method::Linear);
        rows.push(vec![name.to_owned(), seconds(value), over(value)]);
    }
    let std = latencies.std(0);
    rows.push(vec!["std".to_owned(), seconds(std), over(std)]);
    text += &Table::new(&["Step", "Time", "Over the mean"], rows).markdown("lr");
    text +=
        "\nQuantiles lie on the line between two steps; the deviation is that of these steps.\n";
    if !recommendations.is_empty() {
        text += "\n## Where the time goes\n\n";
        text += &list(recommendations.iter().cloned());
    }
    if !targets.is_empty() {
        text += "\n## Targets\n\n";
        let row = |t: &Target| vec![field(&t.name), field(&t.found), word(t.met).to_owned()];
        let rows = targets.iter().map(row).collect();
        text += &Table::new(&["Target", "Found", "Met"], rows).markdown("lrl");
    }
    for (title, table) in report.tables {
        text += &format!("\n## {title}\n\n{}", table.markdown("lr"));
    }
    text += "\n## Conditions\n\n";
    text += &list(report.conditions.iter().map(|(name, value)| format!("{name}: {value}")));
    text += "\n## Files\n\n";
    text + &list(report.files.iter().map(|name| format!("`{name}`")))
}

#[cfg(test)]
mod tests {
    use super::super::summary::Phase;
    use super::*;

    fn text(verdicts: &[Verdict], targets: &[Target], tables: &[(String, Table)]) -> String {
        let mut phase = Phase::new("Pair");
        phase.add(3e-6);
        let run = Loop {
            atoms: 64,
            steps: 1,
            dt_ps: 0.001,
            seconds: 4e-6,
            cpu_seconds: None,
            threads: 1,
            phases: vec![phase],
            lists: None,
        };
        let latencies = Samples::new([1e-6, 2e-6, 3e-6, 4e-6, 5e-6]);
        markdown(&Report {
            subject: "SW silicon, 64 atoms",
            verdicts,
            run: &run,
            latencies: &latencies,
            recommendations: &["Forces 75.0 %: the primary target".to_owned()],
            targets,
            tables,
            conditions: &[("cpu_name".to_owned(), "a processor".to_owned())],
            files: &["sw_profile.json".to_owned()],
        })
    }

    #[test]
    fn verdicts_stand_first_and_quantiles_are_linear() {
        let memory = Verdict {
            name: "memory".to_owned(),
            good: Some(false),
            said: "1000 B | step,\nsurely".to_owned(),
        };
        let target = |met| Target { name: "p99 below 3x mean".into(), found: "1.65x".into(), met };
        let tables =
            [("Scaling".to_owned(), Table::new(&["n", "t"], vec![vec!["64".into(), "8".into()]]))];
        let got = text(&[memory], &[target(Some(true)), target(None)], &tables);
        let place = |part: &str| got.find(part).unwrap_or_else(|| panic!("`{part}` in\n{got}"));
        let order = [
            "# MD profile: SW silicon, 64 atoms\n",
            "| memory | no | 1000 B \\| step, surely |",
            "Loop time of 4.00 us",
            "| p95 | 4.80 us | 1.60 |",
            "| p99 | 4.96 us | 1.65 |",
            "| std | 1.41 us | 0.47 |",
            "- Forces 75.0 %: the primary target",
            "| p99 below 3x mean | 1.65x | yes |",
            "| p99 below 3x mean | 1.65x | not known |",
            "## Scaling\n\n| n | t |",
            "- cpu_name: a processor",
            "- `sw_profile.json`",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{got}");
    }

    #[test]
    fn what_there_is_none_of_has_no_title() {
        let got = text(&[], &[], &[]);
        assert!(!got.contains("## Targets") && !got.contains("## Scaling"), "{got}");
    }
}
