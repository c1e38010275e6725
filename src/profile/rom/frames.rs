//! True and forecast densities of a run beside each other, as a figure.

use std::path::Path;

use ndarray::{Array1, Array2, Axis as Along, Ix0, Ix1, Ix3};

use super::Error;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Shape, Unit};
use crate::file::npz;

/// The figure.
pub(super) const FIGURE: &str = "density_frames.png";

/// Shades of a panel.
const SHADES: usize = 24;

/// Parts of the forecast after which frames are shown.
const SHOWN: [f64; 2] = [0.25, 1.0];

/// Frames of the models (names, and names in files) of a run; `None` where there is no forecast.
///
/// # Errors
///
/// If a file cannot be read.
pub(super) fn figure(
    run: &Path,
    models: &[(&str, &str)],
    subtitle: &str,
) -> Result<Option<Figure>, Error> {
    let mut truth = npz::Archive::open(&run.join("density_true.npz"))?;
    let (rho, times) = (truth.widened::<Ix3>("rho")?, truth.array::<f32, Ix1>("times")?);
    let grid = [truth.widened::<Ix1>("xgrid")?, truth.widened::<Ix1>("ygrid")?];
    let mut panels = Vec::new();
    for part in SHOWN {
        for (model, lower) in models {
            let path = run.join(format!("density_pred_{lower}.npz"));
            if !path.is_file() {
                continue;
            }
            let mut file = npz::Archive::open(&path)?;
            let found = file.widened::<Ix3>("rho")?;
            let own: Array1<f32> = file.array("times")?;
            let start = file.array::<i64, Ix0>("forecast_start_idx")?.into_scalar();
            let at = frame(usize::try_from(start).unwrap_or(0), own.len(), part);
            let time = own[at];
            let Some(same) = times.iter().position(|other| *other == time) else { continue };
            let truth = rho.index_axis(Along(0), same).to_owned();
            let found = found.index_axis(Along(0), at).to_owned();
            // Both by the shades of the truth, so that the same shade is the same density.
            let most = truth.iter().copied().fold(0.0, f64::max);
            panels.push(panel(format!("Truth at {time}"), &truth, &grid, most));
            panels.push(panel(format!("{model} at {time}"), &found, &grid, most));
        }
    }
    let title = "Densities, true and forecast".to_owned();
    let subtitle = subtitle.to_owned();
    Ok((!panels.is_empty()).then_some(Figure { title, subtitle, panels }))
}

/// The frame after this part of the forecast.
fn frame(start: usize, frames: usize, part: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a count"
    )]
    let after = (part * (frames.saturating_sub(start + 1)) as f64) as usize;
    (start + after).min(frames.saturating_sub(1))
}

/// The cells of a density by shades of one colour, of which the darkest is `most` or more.
fn panel(title: String, rho: &Array2<f64>, [x, y]: &[Array1<f64>; 2], most: f64) -> Panel {
    let width = |grid: &Array1<f64>| match grid.as_slice() {
        Some([first, second, ..]) => second - first,
        _ => 1.0,
    };
    let (wide, high) = (width(x), width(y));
    let mut shades = vec![Vec::new(); SHADES];
    for ((row, column), density) in rho.indexed_iter() {
        let part = (density / most.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the number of shades"
        )]
        let shade = (part * SHADES as f64).round() as usize;
        if shade > 0 {
            shades[shade - 1].push((x[column], y[row]));
        }
    }
    let series = (1..).zip(shades).map(|(shade, points)| {
        let opacity = f64::from(shade) / SHADES as f64;
        Series::new("", Colour::Blue, Shape::Cells { wide, high, opacity }, points)
    });
    let axis = |name: &str, grid: &Array1<f64>, width: f64| {
        let ends = (grid.first().copied(), grid.last().copied());
        let (low, high) = (ends.0.unwrap_or(0.0), ends.1.unwrap_or(0.0));
        let axis = Axis::new(name, Scale::Linear, Unit::Number);
        axis.between(low - 0.5 * width, high + 0.5 * width)
    };
    let (across, down) = (axis("x", x, wide), axis("y", y, high));
    Panel { title, x: across, y: down, series: series.collect(), note: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_shade_of_its_density() {
        let rho = Array2::from_shape_vec((2, 3), vec![0.0, 1.0, 2.0, 4.0, -1.0, 9.0]).unwrap();
        let grid = [Array1::from(vec![0.5, 1.5, 2.5]), Array1::from(vec![1.0, 3.0])];
        let panel = panel("t".to_owned(), &rho, &grid, 4.0);
        let shade = |nth: usize| &panel.series[nth - 1].points;
        assert_eq!(*shade(6), [(1.5, 1.0)], "a quarter of the most");
        assert_eq!(*shade(12), [(2.5, 1.0)], "half of it");
        assert_eq!(*shade(24), [(0.5, 3.0), (2.5, 3.0)], "the most, and beyond it");
        let all: usize = panel.series.iter().map(|series| series.points.len()).sum();
        assert_eq!(all, 4, "none of what is empty or below zero");
        let Shape::Cells { wide, high, opacity } = panel.series[5].shape else { panic!("cells") };
        assert_eq!((wide, high, opacity), (1.0, 2.0, 0.25), "their size");
        assert_eq!(
            (panel.x.range, panel.y.range),
            (Some((0.0, 3.0)), Some((0.0, 4.0))),
            "all of it"
        );
    }

    #[test]
    fn frames_are_those_after_a_part_of_the_forecast() {
        assert_eq!(SHOWN.map(|part| frame(10, 81, part)), [27, 80]);
        assert_eq!((frame(0, 1, 1.0), frame(5, 3, 0.5)), (0, 2), "short ones");
    }
}
