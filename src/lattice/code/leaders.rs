//! The coset leaders a(b) = G b - q Q(G b / q): the point nearest to 0 among G b + q L.
//!
//! They are tabulated where there are at most 2^16, and else computed when asked for; the values
//! are the same. Ties have the rule of [`lattice`](crate::lattice).

use std::array::from_fn;

use super::points::Points;

/// The leaders of the digits b in `[0, q)^d`.
#[derive(Clone)]
pub(in crate::lattice) struct Leaders {
    q: u8,
    /// Shape `[q^d][d]`, the first coordinate of b fastest; empty if that is too many.
    table: Vec<i8>,
}

impl Leaders {
    pub(in crate::lattice) fn new<L: Points<D>, const D: usize>(q: u8) -> Self {
        let count = (0..D).fold(1, |count, _| u64::from(q) * count);
        let tabulated = if count <= 1 << 16 { count } else { 0 };
        let tabulated = u32::try_from(tabulated).expect("at most 2^16");
        let table = (0..tabulated)
            .flat_map(|index| leader::<L, D>(digit(index, q), q))
            .map(|a| i8::try_from(a).expect("no longer than q, so at most 32 doubled"))
            .collect();
        Self { q, table }
    }

    /// a(b).
    pub(in crate::lattice) fn get<L: Points<D>, const D: usize>(&self, b: [u8; D]) -> [i64; D] {
        if self.table.is_empty() {
            return leader::<L, D>(b, self.q);
        }
        self.at::<L, D>(b.iter().rev().fold(0, |i, &b| u32::from(self.q) * i + u32::from(b)))
    }

    /// a(b) of the digit b with this index in the table, also where there is none.
    #[inline]
    pub(in crate::lattice) fn at<L: Points<D>, const D: usize>(&self, index: u32) -> [i64; D] {
        match self.table() {
            [] => leader::<L, D>(digit(index, self.q), self.q),
            table => table[index as usize].map(i64::from),
        }
    }

    /// All a(b), the first coordinate of b fastest; empty if that is too many.
    pub(in crate::lattice) fn table<const D: usize>(&self) -> &[[i8; D]] {
        self.table.as_chunks().0
    }
}

/// The digit with an index, its first coordinate fastest.
fn digit<const D: usize>(index: u32, q: u8) -> [u8; D] {
    let mut left = index;
    from_fn(|_| {
        let b = left % u32::from(q);
        left /= u32::from(q);
        u8::try_from(b).expect("below q")
    })
}

/// The definition.
#[inline]
fn leader<L: Points<D>, const D: usize>(b: [u8; D], q: u8) -> [i64; D] {
    let (g, q) = (L::point(b.map(i64::from)), i64::from(q));
    let y = L::nearest(from_fn(|k| L::K / L::SCALE * g[k] + L::U[k]), L::K * q);
    from_fn(|k| g[k] - q * y[k])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::d4::D4;
    use crate::lattice::e8::E8;
    use crate::lattice::z2::Z2;

    #[test]
    fn worked_by_hand() {
        let leaders = Leaders::new::<Z2, 2>(4);
        let diagonal = [0, 1, 2, 3].map(|b| leaders.get::<Z2, 2>([b, b]));
        assert_eq!(diagonal, [[0, 0], [1, 1], [2, -2], [-1, -1]], "u points to the upper left");
        // G b = (2, 0, 0, -2), and 0 is farther along u than (1, 0, 0, -1).
        assert_eq!(leader::<D4, 4>([0, 2, 2, 2], 4), [2, 0, 0, -2], "a tie");
        assert_eq!(leader::<E8, 8>([0, 0, 0, 0, 0, 0, 0, 15], 16), [-1; 8], "-(1/2, .., 1/2)");
    }

    #[test]
    fn the_table_holds_what_is_computed_without_it() {
        fn compare<L: Points<D>, const D: usize>(q: u8) {
            let tabulated = Leaders::new::<L, D>(q);
            assert!(!tabulated.table.is_empty(), "q {q} is small");
            for seed in 0..1000 {
                let values = crate::input::uniform(seed, D, 0.0, q.into());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "< q")]
                let b = from_fn(|k| values[k] as u8);
                assert_eq!(tabulated.get::<L, D>(b), leader::<L, D>(b, q), "q {q}, b {b:?}");
            }
        }
        compare::<Z2, 2>(16);
        compare::<D4, 4>(16);
        compare::<E8, 8>(3);
        assert!(Leaders::new::<E8, 8>(5).table.is_empty(), "5^8 are too many");
    }
}
