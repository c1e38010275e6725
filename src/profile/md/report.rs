//! The Markdown report of a profile: verdicts first, then the numbers that they are made of.

use super::document::Document;
use super::extended::{Extended, OfKind, Verdict};
use super::summary::{self, Loop};
use super::targets::Target;
use crate::draw::Table;
use crate::draw::numbers::{short, time};
use crate::stats::Method;

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

/// The report as Markdown, with the names of the other files.
///
/// # Panics
///
/// If there is no step.
pub fn markdown(document: &Document, extended: &Extended, files: &[String]) -> String {
    let size = document.system_size.as_deref().unwrap_or("an unknown number of atoms");
    let mut text = format!("# MD profile: {}, {size}\n\n", extended.model);
    if extended.is_debug_build {
        text += "This program was built for tests: one of `cargo build --release` is faster.\n\n";
    }
    let row = |v: &Verdict| vec![field(&v.name), word(v.is_good).to_owned(), field(&v.said)];
    let rows = extended.verdicts.iter().map(row).collect();
    text += &Table::new(&["Verdict", "Good", "Found"], rows).markdown("l");
    text += &format!("\n## Steps\n\n```text\n{}```\n", summary::text(&Loop::of(extended)));
    text += &format!("\n## Latency\n\n{}\n", latency(document).markdown("lr"));
    text += "Quantiles lie on the line between two steps; the deviation is that of these steps, of one \
             repeat. The rows below are of all repeats.\n\n";
    text += &kinds(extended).markdown("lr");
    let recommendations = &extended.hotspots.recommendations;
    if !recommendations.is_empty() {
        text += &format!("\n## Where the time goes\n\n{}", list(recommendations.clone()));
    }
    text += &format!("\n## Targets\n\n{}", targets(&extended.targets).markdown("lrrl"));
    let machine = extended.machine.iter().map(|(name, value)| format!("{name}: {value}"));
    let notes = [document.notes.clone(), format!("sources: {}", extended.sources)];
    text += &format!("\n## Conditions\n\n{}", list(notes.into_iter().chain(machine)));
    text + "\n## Files\n\n" + &list(files.iter().map(|name| format!("`{name}`")))
}

fn milliseconds(ms: f64) -> String {
    time(1e6 * ms)
}

/// Mean, quantiles and deviation, and what they are over the mean.
fn latency(document: &Document) -> Table {
    let (all, mean) = (&document.latencies_ms, document.mean_latency_ms);
    let row = |name: &str, ms: f64| {
        let over = if mean > 0.0 { format!("{:.2}", ms / mean) } else { "-".to_owned() };
        vec![name.to_owned(), milliseconds(ms), over]
    };
    let mut rows = vec![row("mean", mean)];
    rows.extend(QUANTILES.map(|(name, p)| row(name, all.quantile(p, Method::Linear))));
    rows.push(row("std", document.std_latency_ms));
    Table::new(&["Step", "Time", "Over the mean"], rows)
}

/// Steps by what happens to the list in them.
fn kinds(extended: &Extended) -> Table {
    let kinds = extended.kinds;
    let all = [("stays", kinds.quiet), ("is pruned", kinds.pruned), ("is built", kinds.rebuilt)];
    let row = |(name, of): (&str, Option<OfKind>)| {
        let OfKind { steps, mean_ms, median_ms, p99_ms, max_ms, share_pct } = of?;
        let times = [mean_ms, median_ms, p99_ms, max_ms].map(milliseconds);
        let head = [format!("the list {name}"), steps.to_string()];
        Some([&head[..], &times, &[format!("{share_pct:.1} %")]].concat())
    };
    let head = ["Steps in which", "Steps", "Mean", "Median", "p99", "Max", "Of all time"];
    Table::new(&head, all.into_iter().filter_map(row).collect())
}

fn targets(targets: &[Target]) -> Table {
    let row = |t: &Target| {
        let found = t.found.map_or_else(|| "-".to_owned(), short);
        vec![field(&t.name), short(t.below), found, word(t.is_met).to_owned()]
    };
    Table::new(&["Target", "Below", "Found", "Met"], targets.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::measure::Plan;
    use super::super::profile::profile_potential;
    use super::*;
    use crate::md::{StillingerWeber, boxes};

    #[test]
    fn verdicts_stand_first_and_then_the_numbers_that_they_are_made_of() {
        let plan = Plan { steps: 5, warmup: 1, repeat: 2, ..Plan::default() };
        let mut silicon = boxes::silicon_crystal(2, 5.431);
        boxes::thermalise(&mut silicon, 1, 300.0);
        let potential = StillingerWeber::SILICON;
        let mut found = profile_potential("sw", &potential, silicon, 0.001, 0.5, &plan).unwrap();
        let (document, extended) = (&mut found.document, &mut found.extended);
        extended.verdicts[0].is_good = Some(false);
        extended.verdicts[0].said = "grows by 1000 B | a step,\nsurely".to_owned();
        extended.targets[1].is_met = Some(true);
        extended.targets[2].is_met = None;
        let got = markdown(document, extended, &["sw_profile.json".to_owned()]);
        let place = |part: &str| got.find(part).unwrap_or_else(|| panic!("`{part}` in\n{got}"));
        let order = [
            "# MD profile: sw, 64 atoms\n",
            "| resident memory | no | grows by 1000 B \\| a step, surely |",
            "Loop time of ",
            " on 1 thread for 10 steps with 64 atoms\n",
            "Performance: ",
            "\nneighbours  ",
            "\nOther  ",
            "\nDangerous builds: 0\n",
            "| p95 | ",
            "| the list stays | 10 | ",
            "## Targets",
            "| P95 over mean | 2 | ",
            " | not known |\n| deviation",
            "- sources: ",
            "- `sw_profile.json`",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{got}");
        let rest = Loop::of(extended).other_seconds();
        let other = extended.phases.iter().find(|phase| phase.name == "other").unwrap();
        assert!((1e3 * rest - other.total_ms).abs() < 1e-9, "{rest} {other:?}");
    }
}
