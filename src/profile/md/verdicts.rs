//! What a profile says, in sentences: memory first, then the tail, parts, the list and validity.

use super::extended::{Memory, Neighbours, Phase, Validity, Verdict};
use super::growth::Growth;
use super::record::SLOW;
use super::tail::Tail;
use super::validity::MOST_RMS_KT;

impl Verdict {
    fn new(name: &str, is_good: impl Into<Option<bool>>, said: impl Into<String>) -> Self {
        Self { name: name.to_owned(), is_good: is_good.into(), said: said.into() }
    }
}

/// All verdicts. Parts that take more than `threshold_pct` of a step are named, but for those in
/// which the potential is evaluated; steps that waited for the processor, or were slow for another
/// reason than the list, do not count there.
pub(super) fn verdicts(
    memory: &Memory,
    tail: &Tail,
    phases: &[Phase],
    neighbours: Neighbours,
    validity: &Validity,
    threshold_pct: f64,
) -> Vec<Verdict> {
    let mut all = vec![
        growth("resident memory", memory.resident, memory.resident_reason.as_deref()),
        growth("heap", memory.heap, memory.heap_reason.as_deref()),
    ];
    if let (Some(delta), is_stable) = (memory.delta_mb, memory.is_stable) {
        let said = format!("{delta:+.2} MB from the first step to the last, stable is below 10");
        all.push(Verdict::new("change of memory", is_stable, said));
    }
    all.push(slow(tail));
    let largest = phases.iter().max_by(|a, b| a.busy_share_pct.total_cmp(&b.busy_share_pct));
    let other = |phase: &&Phase| !phase.is_pass && phase.busy_share_pct > threshold_pct;
    let mut named = phases.iter().filter(other).peekable();
    match (named.peek(), largest) {
        (None, Some(largest)) if largest.busy_share_pct == 0.0 => {
            let said = "no step tells: each built its list anew or waited for the processor";
            all.push(Verdict::new("parts", None, said.to_owned()));
        }
        (None, Some(largest)) => {
            let share = largest.busy_share_pct;
            let said = format!(
                "{} takes {share:.1} % of a step; besides the potential nothing takes more than \
                 {threshold_pct} %",
                largest.name
            );
            all.push(Verdict::new("parts", true, said));
        }
        _ => all.extend(named.map(|phase| {
            let said = format!(
                "takes {:.1} % of a step, more than {threshold_pct} %",
                phase.busy_share_pct
            );
            Verdict::new(&phase.name, false, said)
        })),
    }
    let Neighbours { builds, dangerous_builds, .. } = neighbours;
    let said = format!("{builds} builds of the list, {dangerous_builds} dangerous");
    all.push(Verdict::new("list", dangerous_builds == 0, said));
    let forces = &validity.forces;
    let said = format!(
        "within {:.2e} eV/A of the definition in {} steps, {:.0e} of the bound",
        forces.force_ev_per_angstrom, forces.steps, forces.bound_share
    );
    all.push(Verdict::new("forces", true, said));
    all.push(match (&validity.energy, &validity.energy_reason) {
        (Some(kept), _) => {
            let said = format!(
                "kept to {:.2e} meV per atom around its line, {:.1e} kT of at most {MOST_RMS_KT}",
                kept.detrended_rms_mev_per_atom, kept.detrended_rms_kt_per_atom
            );
            Verdict::new("energy", kept.is_kept, said)
        }
        (None, why) => Verdict::new("energy", None, why.clone().unwrap_or_default()),
    });
    all
}

fn growth(name: &str, found: Option<Growth>, reason: Option<&str>) -> Verdict {
    let Some(Growth { bytes_per_step, low, high, is_leak, .. }) = found else {
        return Verdict::new(name, None, reason.unwrap_or("not asked for"));
    };
    let rate = format!("{bytes_per_step:.1} bytes per step ({low:.1} to {high:.1})");
    let said =
        if is_leak { format!("grows by {rate}: a leak") } else { format!("no growth: {rate}") };
    Verdict::new(name, !is_leak, said)
}

fn slow(tail: &Tail) -> Verdict {
    let Tail { slow_steps, rebuilt, pruned, waited, sampled, unexplained, .. } = tail;
    let mut said = format!(
        "{slow_steps} steps take more than {SLOW} medians: {} by the list, {waited} waited for the \
         processor, {sampled} after a sample of memory, {unexplained} by nothing known",
        rebuilt + pruned
    );
    if let (Some(period), Some(medians)) = (tail.period_steps, tail.period_medians) {
        said += &format!("; one step in {period} takes {medians:.1} medians");
    } else if *sampled > 0 {
        said += "; a run with --no-memory tells whether those after samples are the program's";
    } else if tail.is_found.is_none() {
        said += "; these have no period: the program's or a busy machine's, which a run on a quiet one \
                 tells";
    }
    let longest = tail.longest_period_steps;
    said += &match longest {
        0..=1 => "; so few steps tell no tail".to_owned(),
        _ => format!("; tails of one step in up to {longest} would be told"),
    };
    Verdict::new("tail", tail.is_found.map(|is_found| !is_found), said)
}
