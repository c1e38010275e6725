//! Ten lines that answer which model to deploy, and why; and the Markdown summary around them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::comparison::{Compared, Comparison, pair};
use super::document::{MEGABYTE, Profile};
use super::extended::{Difference, Extended, Interval};
use super::report::Report;
use crate::draw::Table;
use crate::draw::numbers::{count, three_digits, time};

/// The object `extended`, which every profile of a run has.
pub(super) fn extended(profile: &Profile) -> &Extended {
    profile.extended.as_deref().expect("a run measures it")
}

fn compared(report: &Report) -> Option<&Compared> {
    match &report.comparison {
        Comparison::Of(compared) => Some(compared),
        Comparison::Nothing {} => None,
    }
}

/// The same of each model: `MVAR 45.0 ns; LSTM 3.20 us`, or once what is said of all.
fn each(report: &Report, of: impl Fn(&Profile, &Extended) -> String) -> String {
    let said: Vec<_> =
        report.profiles.iter().map(|profile| of(profile, extended(profile))).collect();
    if said.len() > 1 && said.iter().all(|text| *text == said[0]) {
        return said[0].clone();
    }
    let named = report.profiles.iter().zip(said);
    let named = named.map(|(profile, text)| format!("{} {text}", profile.model_name));
    named.collect::<Vec<_>>().join("; ")
}

const UNTRAINED: &str = "not measured (it is with `--train`)";

fn seconds(seconds: f64) -> String {
    time(1e9 * seconds)
}

/// Bytes, with three digits and a prefix where they are many.
fn bytes(bytes: f64) -> String {
    if bytes < 1000.0 { format!("{bytes:.0} B") } else { format!("{}B", count(bytes)) }
}

/// `0.0141 (0.0140 to 0.0142)`.
fn interval(Interval { ratio, low, high }: &Interval) -> String {
    let digits = |x: f64| if x < 1.0 { format!("{x:.4}") } else { three_digits(x) };
    format!("{} ({} to {})", digits(*ratio), digits(*low), digits(*high))
}

/// Ten lines.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let n_steps = report.profiles.first().map_or(0, |profile| extended(profile).n_steps);
    vec![
        deploy(report),
        speeds(report),
        format!(
            "{n_steps} steps: {}",
            each(report, |_, e| {
                let full = &e.full_trajectory;
                let [median, low, high] =
                    [full.median_seconds, full.p5_seconds, full.p95_seconds].map(seconds);
                format!(
                    "{median} ({low} to {high}), {} a step",
                    seconds(1e-6 * e.microseconds_per_step)
                )
            })
        ),
        format!(
            "one step alone: {}",
            each(report, |_, e| {
                let single = &e.single_step;
                let [median, low, high] =
                    [single.median_seconds, single.p5_seconds, single.p95_seconds].map(seconds);
                format!("{median} ({low} to {high})")
            })
        ),
        format!("accuracy: {}", each(report, |_, e| accuracy(e))),
        format!(
            "steps of valid forecast per microsecond of a step: {}",
            each(report, |_, e| match &e.accuracy {
                Some(found) =>
                    found.valid_steps_per_microsecond.map_or("unknown".into(), three_digits),
                None => "unknown".to_owned(),
            })
        ),
        format!(
            "memory: {}",
            each(report, |_, e| {
                let heap = e.heap_bytes_per_step.map_or("heap unknown".to_owned(), |heap| {
                    format!("{} of heap a step", bytes(heap))
                });
                let (own, peak) =
                    (bytes(e.parameter_bytes as f64), e.peak_rss_bytes as f64 / MEGABYTE);
                format!("{own} of parameters, {heap}, peak {peak:.0} MiB of the process")
            })
        ),
        format!("roof: {}", each(report, |_, e| roof(e))),
        format!(
            "training: {}",
            each(report, |profile, _| {
                profile.training.total_seconds.map_or(UNTRAINED.to_owned(), seconds)
            })
        ),
        format!(
            "energy: {}",
            each(report, |_, e| match (&e.energy, &e.energy_reason) {
                (Some(found), _) =>
                    format!("{:.3} J per million steps", found.joules_per_million_steps),
                (None, why) => format!("not measured ({})", why.as_deref().unwrap_or("no reason")),
            })
        ),
    ]
}

fn accuracy(e: &Extended) -> String {
    let Some(found) = &e.accuracy else {
        return format!("not measured ({})", e.accuracy_reason.as_deref().unwrap_or("no reason"));
    };
    let last = found.r2_by_horizon.len();
    let r2 = [1, 5, 10].into_iter().filter(|h| *h <= last);
    let r2: Vec<_> = r2.map(|h| format!("{:.3} at {h}", found.r2_by_horizon[h - 1])).collect();
    let valid = match found.first_step_beyond {
        Some(step) => {
            format!("error beyond {} of the deviation from step {step} on", found.tolerance)
        }
        None => format!("error within {} of the deviation for all {last} steps", found.tolerance),
    };
    let sure = found.valid_steps_interval.map_or(String::new(), |[low, high]| {
        format!(", {} valid steps ({low} to {high})", found.valid_steps)
    });
    format!("R2 {}, {valid}{sure}", r2.join(", "))
}

fn roof(e: &Extended) -> String {
    match (&e.roof, e.gflops) {
        (Some(roof), Some(gflops)) => format!(
            "{} GFLOP/s, {:.0} % of what {} allows",
            three_digits(gflops),
            100.0 * roof.share,
            roof.bound_by
        ),
        _ => "unknown".to_owned(),
    }
}

fn speeds(report: &Report) -> String {
    let Some(Compared { extended: Some(e), .. }) = compared(report) else {
        return "speed: one model, nothing to compare".to_owned();
    };
    let Some(speedups) = &e.full_trajectory_speedup else {
        return format!(
            "speedup: not known ({})",
            e.speedup_reason.as_deref().unwrap_or("no reason")
        );
    };
    let said = speedups.iter().map(|(name, speedup)| {
        let tie = if speedup.holds_one() { ", a tie" } else { "" };
        format!("{name} {}{tie}", interval(speedup))
    });
    format!("speedup, 95 % interval: {}", said.collect::<Vec<_>>().join("; "))
}

/// Which model to deploy: of those whose forecasts stay valid the longest, as far as is known, the
/// fastest.
fn deploy(report: &Report) -> String {
    let valid =
        |profile: &&Profile| extended(profile).accuracy.as_ref().map(|found| found.valid_steps);
    let cost = |profile: &&Profile| extended(profile).microseconds_per_step;
    let fastest = report.profiles.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
    let Some(fastest) = fastest else { return "no model".to_owned() };
    let name = &fastest.model_name;
    if report.profiles.len() == 1 {
        return format!("deploy {name}: there is no other model");
    }
    let tie = ties(report, name, |_| true);
    if report.profiles.iter().any(|profile| valid(&profile).is_none()) {
        return format!(
            "deploy {name} if its forecasts are good enough: it is the fastest{tie}, and accuracy was \
             not measured"
        );
    }
    let steps = |profile: &Profile| valid(&profile).unwrap_or_default();
    let longest = report.profiles.iter().map(steps).max().unwrap_or_default();
    let best = report.profiles.iter().filter(|profile| steps(profile) == longest);
    let best = best.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(fastest);
    let good = |profile: &Profile| {
        steps(profile) == longest || as_accurate(report, profile, &best.model_name)
    };
    let chosen = report.profiles.iter().filter(|profile| good(profile));
    let chosen = chosen.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(fastest);
    let own = steps(chosen);
    let mut said = if own == longest {
        format!("no forecasts stay valid longer than its {longest} steps")
    } else {
        let best = &best.model_name;
        format!("its forecasts stay valid for {own} steps, those of {best} for {longest}")
    };
    let alike = report.profiles.iter().filter(|other| other.model_name != chosen.model_name);
    let alike = alike.filter(|other| as_accurate(report, other, &chosen.model_name));
    let alike: Vec<_> = alike.map(|other| &*other.model_name).collect();
    if !alike.is_empty() {
        let starts = extended(chosen).accuracy.as_ref().map_or(0, |found| found.starts[0]);
        let alike = alike.join(", ");
        let _ = write!(said, " (as accurate as {alike}, as far as {starts} starts tell)");
    }
    if chosen.model_name == *name {
        return format!("deploy {name}: {said}, and it is the fastest{tie}");
    }
    format!(
        "deploy {}{}: {said}; those of {name} do for {}; where {name} is good enough, it is {} times as \
         fast{tie}",
        chosen.model_name,
        ties(report, &chosen.model_name, good),
        steps(fastest),
        three_digits(cost(&chosen) / cost(&fastest)),
    )
}

/// Whether the starts do not tell whose forecasts stay valid longer.
fn as_accurate(report: &Report, profile: &Profile, other: &str) -> bool {
    let found = compared(report).and_then(|compared| compared.extended.as_ref());
    let found = found.and_then(|e| e.valid_steps_difference.as_ref());
    // Too few starts tell nothing.
    found.is_none_or(|found| holds_zero(found, &profile.model_name, other))
}

fn holds_zero(found: &BTreeMap<String, Difference>, one: &str, other: &str) -> bool {
    let of = found.get(&pair(one, other)).or_else(|| found.get(&pair(other, one)));
    of.is_some_and(Difference::holds_zero)
}

/// The models among some that are as fast as the one of this name.
fn ties(report: &Report, name: &str, among: impl Fn(&Profile) -> bool) -> String {
    let ties = compared(report).and_then(|compared| compared.extended.as_ref()?.ties.as_deref());
    let others = report.profiles.iter().filter(|profile| among(profile));
    tied(ties.unwrap_or_default(), name, others.map(|profile| &*profile.model_name))
}

fn tied<'a>(ties: &[String], name: &str, others: impl Iterator<Item = &'a str>) -> String {
    let is_tie =
        |other: &&str| [pair(name, other), pair(other, name)].iter().any(|tie| ties.contains(tie));
    let others: Vec<_> = others.filter(is_tie).collect();
    if others.is_empty() { String::new() } else { format!(" (a tie with {})", others.join(", ")) }
}

const SCALING: &str = "\n## Scaling\n
Time of a step, while one size grows. The roof is the longest of three times that a step must take: arithmetic, \
reading, and waiting for additions that follow each other. It leaves out the activations of a network, the sums of older \
lags, and calls, which count most where a step is short.\n\n";

/// The whole summary, with the names of the other files.
pub(super) fn markdown(report: &Report, files: &[(String, Vec<u8>)]) -> String {
    let mut text = format!("# Runtime of {}\n\n", report.experiment_name);
    for line in lines(report) {
        text += &format!("- {line}\n");
    }
    text += "\n## Models\n\n";
    let head = [
        "Model",
        "From",
        "Parameters",
        "Lag",
        "FLOP/step",
        "Step",
        "Steps/s",
        "Share of roof",
        "Instructions",
    ];
    let row = |profile: &Profile| {
        let e = extended(profile);
        let unknown = || "-".to_owned();
        vec![
            profile.model_name.clone(),
            format!("`{}`", e.source),
            profile.memory.model_parameters.to_string(),
            e.lag.to_string(),
            e.flops_per_step.map_or_else(unknown, |flops| flops.to_string()),
            seconds(1e-6 * e.microseconds_per_step),
            count(1e6 / e.microseconds_per_step),
            e.roof.as_ref().map_or_else(unknown, |roof| format!("{:.0} %", 100.0 * roof.share)),
            e.isa.clone().unwrap_or_else(unknown),
        ]
    };
    text += &Table::new(&head, report.profiles.iter().map(row).collect()).markdown("llr");
    if !report.scaling.is_empty() {
        text += SCALING;
        let head = [
            "Model",
            "Size",
            "Exponent (95 %)",
            "First step",
            "Above its roof",
            "Last step",
            "Above its roof",
            "Caches",
        ];
        let row = |axis: &super::scaling::Axis| {
            let point = |point: Option<&super::scaling::Point>| {
                let Some(point) = point else { return Default::default() };
                let above = three_digits(1.0 / point.roof.share);
                let step = format!("{} at {}", seconds(point.seconds), point.value);
                [step, format!("{above} times {}", point.roof.bound_by)]
            };
            let [first, first_above] = point(axis.points.first());
            let [last, last_above] = point(axis.points.last());
            let Interval { ratio, low: from, high: to } = axis.exponent;
            vec![
                axis.model.clone(),
                axis.size.clone(),
                format!("{ratio:.2} ({from:.2} to {to:.2})"),
                first,
                first_above,
                last,
                last_above,
                axis.crossing.clone().unwrap_or_else(|| "one holds all".to_owned()),
            ]
        };
        text += &Table::new(&head, report.scaling.iter().map(row).collect()).markdown("llr");
    }
    text += "\n## Conditions\n\n";
    if let Some(e) = report.profiles.first().map(extended) {
        let _ = writeln!(text, "- window: {}; {}", e.z0_source, e.order);
        let machine = ["cpu_name", "caches", "dispatch", "rustc"]
            .into_iter()
            .filter_map(|name| e.machine.get(name).map(|value| format!("{name} {value}")));
        let _ = writeln!(text, "- {}", machine.collect::<Vec<_>>().join(", "));
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "- {warning}");
    }
    text += "\n## Files\n\n";
    for (name, _) in files {
        let _ = writeln!(text, "- `{name}`");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_told_its_own_ties_alone() {
        let ties = ["B_vs_A", "D_vs_C"].map(str::to_owned);
        let of = |name| tied(&ties, name, ["A", "B", "C", "D"].into_iter());
        assert_eq!(
            ["A", "B", "D"].map(of),
            [" (a tie with B)", " (a tie with A)", " (a tie with C)"]
        );
        assert_eq!((of("E"), tied(&ties, "A", ["C"].into_iter())), (String::new(), String::new()));
    }

    #[test]
    fn models_are_as_accurate_as_each_other_where_the_interval_holds_zero() {
        let pairs = [("B_vs_A", -1, 2), ("C_vs_A", 1, 2), ("C_vs_B", 0, 2)];
        let found =
            pairs.map(|(name, low, high)| (name.to_owned(), Difference { steps: 1, low, high }));
        let of = |one, other| holds_zero(&found.clone().into(), one, other);
        assert_eq!(
            [of("A", "B"), of("B", "A"), of("A", "C"), of("B", "C")],
            [true, true, false, true]
        );
    }
}
