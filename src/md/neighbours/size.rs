//! How large a list may be.

use std::f64::consts::PI;

use crate::md::system::{self, Cell};

/// More images than this in a list are refused.
const MOST_IMAGES: u32 = 1 << 23;

/// And more directed pairs than this, by the mean density: 1 GiB of indices.
const MOST_PAIRS: u32 = 1 << 28;

/// Whether a list is wanted that can be built.
///
/// # Errors
///
/// Those of [`List::new`](super::List::new).
///
/// # Panics
///
/// If `cutoff` is not positive or `skin` is negative.
pub(in crate::md) fn check_size(
    cell: &Cell,
    atoms: usize,
    cutoff: f64,
    skin: f64,
) -> Result<(), system::Error> {
    assert!(cutoff > 0.0 && cutoff.is_finite(), "cutoff {cutoff} is not positive");
    assert!(skin >= 0.0 && skin.is_finite(), "skin {skin} is negative");
    let (heights, reach) = (cell.heights(), cutoff + skin);
    let images = heights.iter().fold(atoms as f64, |n, h| n * (1.0 + 2.0 * reach / h));
    if images > f64::from(MOST_IMAGES) {
        let limit = MOST_IMAGES;
        return Err(system::Error::TooManyImages { atoms, heights, reach, images, limit });
    }
    let sphere = 4.0 / 3.0 * PI * reach.powi(3);
    let pairs = atoms as f64 * (atoms as f64 / cell.volume() * sphere);
    if pairs > f64::from(MOST_PAIRS) {
        let (volume, limit) = (cell.volume(), MOST_PAIRS);
        return Err(system::Error::TooManyPairs { atoms, volume, reach, pairs, limit });
    }
    Ok(())
}
