//! The files of a run.

use std::time::SystemTime;

use super::comparison::Comparison;
use super::model::file_name;
use super::profile::Profile;
use super::record::Kind;
use super::report;
use super::scaling::Scaling;
use super::{Error, spans};
use crate::draw::Table;
use crate::draw::numbers::short;
use crate::profile::files::text;

/// Names and contents.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The files that are not always wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) traces: bool,
    #[cfg_attr(not(feature = "figures"), expect(dead_code, reason = "there are none"))]
    pub(super) figures: bool,
}

/// The files of one model.
pub(super) fn of_model(profile: &Profile, wanted: Wanted) -> Result<Files, Error> {
    let name = file_name(&profile.extended.model);
    let mut files = documents(&format!("{name}_profile"), profile)?;
    files.push((format!("{name}_steps.csv"), steps(profile).csv()));
    if wanted.traces {
        files.push((format!("{name}_trace.json"), spans::trace(profile)?));
    }
    #[cfg(feature = "figures")]
    if wanted.figures {
        files.extend(super::figures::of_steps(&name, profile));
    }
    let report = format!("{name}_profile.md");
    let names: Vec<_> = files.iter().map(|(name, _)| name).chain([&report]).cloned().collect();
    let text = report::markdown(&profile.document, &profile.extended, &names);
    files.push((report, text.into_bytes()));
    Ok(files)
}

/// The two JSON files of a profile.
fn documents(stem: &str, profile: &Profile) -> Result<Files, Error> {
    Ok(vec![
        (format!("{stem}.json"), text(&profile.document)?),
        (format!("{stem}.extended.json"), text(&profile.extended)?),
    ])
}

/// The files of one model over sizes.
pub(super) fn of_sizes(
    scaling: &Scaling,
    profiles: &[Profile],
    wanted: Wanted,
) -> Result<Files, Error> {
    let name = file_name(&scaling.model);
    let mut files = Vec::new();
    for profile in profiles {
        let stem = format!("{name}_scaling_{}", profile.extended.trajectory.n_atoms);
        files.extend(documents(&stem, profile)?);
        if wanted.traces {
            files.push((format!("{stem}_trace.json"), spans::trace(profile)?));
        }
    }
    files.push((format!("{name}_scaling.json"), text(scaling)?));
    let table = sizes(scaling);
    files.push((format!("{name}_scaling.csv"), table.csv()));
    #[cfg(feature = "figures")]
    if wanted.figures {
        files.push(super::figures::of_scaling(&name, scaling, &profiles[0]));
    }
    let mut text = format!("# Scaling: {}, {}\n\n", scaling.model, scaling.system);
    text += &match (scaling.exponent, &scaling.exponent_reason) {
        (Some(slope), _) => format!(
            "The median step grows as the number of atoms to the power {:.3} ({:.3} to {:.3}, 95 %).\n\n",
            slope.value, slope.low, slope.high
        ),
        (None, why) => format!("No exponent: {}.\n\n", why.as_deref().unwrap_or_default()),
    };
    text += &table.markdown("r");
    files.push((format!("{name}_scaling.md"), text.into_bytes()));
    Ok(files)
}

/// The files of all models of a system.
pub(super) fn of_all(
    comparison: &Comparison,
    profiles: &[Profile],
    wanted: Wanted,
) -> Result<Files, Error> {
    let mut files = Vec::new();
    for profile in profiles {
        let name = file_name(&profile.extended.model);
        files.extend(documents(&format!("{name}_profile"), profile)?);
        if wanted.traces {
            files.push((format!("{name}_trace.json"), spans::trace(profile)?));
        }
    }
    let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let stem = format!("comparison_{time}");
    files.push((format!("{stem}.json"), text(comparison)?));
    let table = models(comparison);
    files.push((format!("{stem}.csv"), table.csv()));
    let Comparison { system, n_atoms, baseline, reference, .. } = comparison;
    let mut text = format!("# Models of {system}, {n_atoms} atoms\n\nSpeed against {baseline}");
    if let Some(reference) = reference {
        text += &format!(", forces against {reference}");
    }
    text += &format!(".\n\n{}", table.markdown("lr"));
    files.push((format!("{stem}.md"), text.into_bytes()));
    Ok(files)
}

/// A row for each step.
fn steps(profile: &Profile) -> Table {
    let parts = profile.parts.iter().map(|part| format!("{}_ms", part.replace(' ', "_")));
    let mut head: Vec<String> = ["repeat", "step", "latency_ms"].map(str::to_owned).into();
    head.extend(parts);
    head.extend(["waited_ms", "list", "potential_ev", "kinetic_ev"].map(str::to_owned));
    let ms = |ns: u64| (ns as f64 / 1e6).to_string();
    let mut rows = Vec::new();
    for (repeat, record) in profile.repeats.iter().enumerate() {
        for step in 0..record.latency_ns.len() {
            let mut row = vec![repeat.to_string(), step.to_string(), ms(record.latency_ns[step])];
            row.extend(record.spent_ns.iter().map(|part| ms(part[step])));
            let kind = match record.kinds[step] {
                Kind::Quiet => "kept",
                Kind::Pruned => "pruned",
                Kind::Rebuilt => "built",
            };
            row.extend([ms(record.waited_ns[step]), kind.to_owned()]);
            row.push(record.potential_ev[step].to_string());
            row.push(record.kinetic_ev.get(step).map_or_else(String::new, f64::to_string));
            rows.push(row);
        }
    }
    Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

fn sizes(scaling: &Scaling) -> Table {
    let head = ["asked", "atoms", "mean_ms", "median_ms", "p99_ms", "ns_per_atom", "ns_per_day"];
    let row = |point: &super::scaling::Point| {
        let asked = point.requested_atoms.map_or_else(String::new, |atoms| atoms.to_string());
        let mut row = vec![asked, point.n_atoms.to_string()];
        row.extend([point.mean_ms, point.median_ms, point.p99_ms].map(short));
        row.push(short(point.ns_per_atom_per_step));
        row.push(point.ns_per_day.map_or_else(String::new, short));
        row
    };
    Table::new(&head, scaling.points.iter().map(row).collect())
}

fn models(comparison: &Comparison) -> Table {
    let head = [
        "model",
        "mean_ms",
        "speedup",
        "median_speedup",
        "ns_per_day",
        "force_rmse_ev_per_a",
        "energy_rms_mev_per_atom",
        "drift_kt_per_atom_ns",
    ];
    let exact = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3e}"));
    let row = |model: &super::comparison::Compared| {
        vec![
            model.model.clone(),
            short(model.mean_ms),
            format!("{:.3}", model.speedup),
            format!("{:.3}", model.median_speedup),
            model.ns_per_day.map_or_else(String::new, short),
            exact(model.force_rmse_ev_per_angstrom),
            exact(model.detrended_rms_mev_per_atom),
            exact(model.drift_kt_per_atom_ns.map(|slope| slope.value)),
        ]
    };
    Table::new(&head, comparison.models.iter().map(row).collect())
}
