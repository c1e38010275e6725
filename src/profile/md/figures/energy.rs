//! How the energy stays: total, potential and kinetic over the time of the atoms.

use super::super::validity::Kept;
use super::{Caption, number, panel};
use crate::draw::figure::{Colour, Figure, Panel, Series, Shape};
use crate::draw::numbers::short;
use crate::md::BOLTZMANN;

/// Energies over a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Energy<'a> {
    /// Atoms.
    pub(super) atoms: usize,
    /// Times of the atoms in ps, ascending.
    pub(super) time_ps: &'a [f64],
    /// Potential energy at each in eV.
    pub(super) potential_ev: &'a [f64],
    /// Kinetic energy at each in eV.
    pub(super) kinetic_ev: &'a [f64],
    /// How well the total is kept, where it is known.
    pub(super) kept: Option<Kept>,
}

/// Total energy with its fitted drift, and how potential and kinetic energy move against each other.
///
/// # Panics
///
/// If there is no time, or not as many energies as times.
pub(super) fn energy(caption: &Caption<'_>, energy: &Energy<'_>) -> Figure {
    let Energy { time_ps, potential_ev, kinetic_ev, .. } = energy;
    let len = time_ps.len();
    assert!(len > 0, "a run without a time");
    assert_eq!((potential_ev.len(), kinetic_ev.len()), (len, len), "an energy for each time");
    let total: Vec<f64> = potential_ev.iter().zip(*kinetic_ev).map(|(u, k)| u + k).collect();
    let panels = vec![conserved(energy, &total), exchanged(energy)];
    caption.figure("Energy", panels)
}

/// Times, with energies less their mean, in meV/atom.
fn deviation(energy: &Energy<'_>, ev: &[f64]) -> Vec<(f64, f64)> {
    let mean = ev.iter().sum::<f64>() / ev.len() as f64;
    let scale = 1e3 / energy.atoms as f64;
    energy.time_ps.iter().zip(ev).map(|(t, e)| (*t, scale * (e - mean))).collect()
}

/// Both ends of an axis that leaves room above for a note.
fn room(series: &[Series]) -> (f64, f64) {
    let ys = series.iter().flat_map(|series| &series.points).map(|p| p.1);
    let (low, high) = ys.fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(y), h.max(y)));
    let span = (high - low).max(1e-9);
    (low - 0.08 * span, high + 0.5 * span)
}

fn conserved(energy: &Energy<'_>, total: &[f64]) -> Panel {
    let points = deviation(energy, total);
    let mut series = vec![Series::new("total", Colour::Blue, Shape::Thin, points)];
    let mut note = Vec::new();
    let drift = energy.kept.and_then(|kept| Some((kept, kept.drift_kt_per_atom_ns?)));
    if let Some((kept, drift)) = drift {
        // kT per nanosecond is so many meV per picosecond.
        let unit = BOLTZMANN * kept.kelvin;
        let [slope, low, high] = [drift.value, drift.low, drift.high].map(|value| unit * value);
        let times = energy.time_ps;
        let middle = times.iter().sum::<f64>() / times.len() as f64;
        let line = [times[0], times[times.len() - 1]].map(|t| (t, slope * (t - middle)));
        series.push(Series::new("fitted drift", Colour::Orange, Shape::Dashes, line.to_vec()));
        note = vec![
            format!("drift {slope:.1e} meV/atom/ps"),
            format!("({low:.1e} to {high:.1e})"),
            format!("rms about it {} meV/atom", short(kept.detrended_rms_mev_per_atom)),
        ];
    }
    let (low, high) = room(&series);
    let y = number("total energy less its mean, meV/atom").between(low, high);
    Panel { note, ..panel("Total energy", number("time of the atoms, ps"), y, series) }
}

fn exchanged(energy: &Energy<'_>) -> Panel {
    let of = |label, colour, ev| Series::new(label, colour, Shape::Thin, deviation(energy, ev));
    let series = vec![
        of("potential", Colour::Green, energy.potential_ev),
        of("kinetic", Colour::Purple, energy.kinetic_ev),
    ];
    let y = number("energy less its mean, meV/atom");
    panel("Potential and kinetic energy", number("time of the atoms, ps"), y, series)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::line::Slope;

    #[test]
    fn a_drift_is_drawn_through_the_energies_that_it_is_of() {
        let time_ps: Vec<f64> = (0..101).map(|k| f64::from(k) / 100.0).collect();
        // 2 meV/atom/ps for 8 atoms; kT is 25.852 meV at 300 K.
        let kinetic: Vec<f64> = time_ps.iter().map(|t| 1.0 + 16e-3 * t).collect();
        let potential = vec![-30.0; 101];
        let [value, low, high] = [2.0, 1.9, 2.1].map(|slope| slope * 1000.0 / 25.852);
        let kept = Kept {
            kelvin: 300.0,
            detrended_rms_mev_per_atom: 0.5,
            detrended_rms_kt_per_atom: 0.02,
            drift_kt_per_atom_ns: Some(Slope { value, low, high }),
            is_kept: false,
        };
        let held = Energy {
            atoms: 8,
            time_ps: &time_ps,
            potential_ev: &potential,
            kinetic_ev: &kinetic,
            kept: Some(kept),
        };
        let got = energy(&Caption { subject: "s", conditions: "c" }, &held);
        let [total, line] = &got.panels[0].series[..] else { panic!("{got:?}") };
        for (line, at) in [(line.points[0], 0), (line.points[1], 100)] {
            let want = total.points[at];
            assert!(line.0 == want.0 && (line.1 - want.1).abs() < 1e-4, "{line:?} {want:?}");
        }
        let note = ["drift 2.0e0 meV/atom/ps", "(1.9e0 to 2.1e0)", "rms about it 0.5 meV/atom"];
        assert_eq!(got.panels[0].note, note, "units");
        let bare = Energy { kept: None, ..held };
        let bare = energy(&Caption { subject: "s", conditions: "c" }, &bare);
        assert_eq!((bare.panels[0].series.len(), bare.panels[0].note.len()), (1, 0), "no drift");
    }
}
