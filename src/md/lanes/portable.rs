//! Arrays of four numbers: plain code.

use super::{CLUSTER, Lanes, Quad, Real, Tile};

macro_rules! portable {
    ($real:ty, $mantissa:literal) => {
        impl Lanes for [$real; CLUSTER] {
            type Real = $real;
            type Array = Self;
            type Mask = [bool; CLUSTER];
            const LEN: usize = CLUSTER;

            #[inline(always)]
            fn arrays(numbers: &[$real]) -> &[Self] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [$real]) -> &mut [Self] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn load(from: &Self) -> Self {
                *from
            }

            #[inline(always)]
            fn store(self, to: &mut Self) {
                *to = self;
            }

            #[inline(always)]
            fn splat(x: f64) -> Self {
                [<$real>::from_f64(x); CLUSTER]
            }

            #[inline(always)]
            fn plus(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] + by[l])
            }

            #[inline(always)]
            fn minus(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] - by[l])
            }

            #[inline(always)]
            fn times(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] * by[l])
            }

            #[inline(always)]
            fn over(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] / by[l])
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                std::array::from_fn(|l| self[l] * by[l] + add[l])
            }

            #[inline(always)]
            fn mul_sub_from(self, by: Self, from: Self) -> Self {
                std::array::from_fn(|l| from[l] - self[l] * by[l])
            }

            #[inline(always)]
            fn min(self, by: Self) -> Self {
                std::array::from_fn(|l| if self[l] < by[l] { self[l] } else { by[l] })
            }

            #[inline(always)]
            fn max(self, by: Self) -> Self {
                std::array::from_fn(|l| if self[l] > by[l] { self[l] } else { by[l] })
            }

            #[inline(always)]
            fn inverse_root(self) -> Self {
                self.map(|x| 1.0 / x.sqrt())
            }

            #[inline(always)]
            fn below(self, limit: Self) -> Self::Mask {
                std::array::from_fn(|l| self[l] < limit[l])
            }

            #[inline(always)]
            fn keep(self, mask: Self::Mask) -> Self {
                std::array::from_fn(|l| if mask[l] { self[l] } else { 0.0 })
            }

            #[inline(always)]
            fn sum(self) -> f64 {
                ((self[0] + self[2]) + (self[1] + self[3])).into()
            }

            #[inline(always)]
            fn power(self) -> Self {
                let one = <$real>::to_bits(1.0);
                self.map(|x| <$real>::from_bits((x.to_bits() << $mantissa).wrapping_add(one)))
            }
        }

        impl Tile for [$real; CLUSTER] {
            const PART: usize = 2;

            #[inline(always)]
            fn across(of: &Self) -> Self {
                *of
            }

            #[inline(always)]
            fn along(of: &Self, first: usize) -> Self {
                [of[first]; CLUSTER]
            }

            #[inline(always)]
            fn add_across(self, to: &mut Quad<f64>) {
                for l in 0..CLUSTER {
                    to[l] += f64::from(self[l]);
                }
            }

            #[inline(always)]
            fn add_along(self, to: &mut Quad<f64>, first: usize) {
                to[first] += self.sum();
            }

            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                mask.contains(&true)
            }
        }
    };
}
portable!(f64, 52);
portable!(f32, 23);
