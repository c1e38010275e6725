//! Grids of unit cells, and which of them are not too long.

use crate::md::system::Vector;

/// The corners of a grid, the last coordinate fastest.
pub(super) fn grid([a, b, c]: [usize; 3]) -> impl Iterator<Item = Vector> {
    (0..a * b * c).map(move |k| [k / (b * c), k / c % b, k % c].map(|n| n as f64))
}

/// The most cubic box of exactly `cells` cells, if one is no more than twice as long as wide.
pub(super) fn shape(cells: usize) -> Option<[usize; 3]> {
    let divides = |n: &usize| cells.is_multiple_of(*n);
    let shapes = (1..=cells).take_while(|a| a * a * a <= cells).filter(divides).flat_map(|a| {
        let rest = cells / a;
        let middle = (a..=rest).take_while(move |b| b * b <= rest);
        middle.filter(move |b| rest.is_multiple_of(*b)).map(move |b| [a, b, rest / b])
    });
    shapes.filter(|[a, _, c]| *c <= 2 * a).min_by_key(|[a, _, c]| c - a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_the_most_cubic() {
        let all = [1, 2, 8, 12, 13, 16, 27, 64, 128].map(shape);
        let want = [[1, 1, 1], [1, 1, 2], [2, 2, 2], [2, 2, 3]].map(Some);
        assert_eq!(all[..4], want, "small");
        assert_eq!(all[4], None, "13 is a needle");
        assert_eq!(all[5..], [[2, 2, 4], [3, 3, 3], [4, 4, 4], [4, 4, 8]].map(Some), "large");
    }
}
