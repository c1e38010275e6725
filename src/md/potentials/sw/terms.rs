//! What depends on one pair, and the force by sums of moments, in registers of pairs.

use super::StillingerWeber;
use crate::md::lanes::Pairs;
use crate::md::potentials::Potential;
use crate::md::potentials::exp::exp;

/// What one register of pairs leaves for its forces.
#[derive(Clone, Copy)]
pub(super) struct Terms<V> {
    /// Unit vector from the first atom to the second.
    pub(super) u: [V; 3],
    pub(super) r: V,
    pub(super) g: V,
    /// dg/dr
    slope: V,
    /// lambda eps g/r
    across: V,
    /// dphi2/dr
    pair: V,
}

/// Numbers of [`Terms`].
pub(super) const TERMS: usize = 8;

impl<V: Pairs> Terms<V> {
    #[inline(always)]
    pub(super) fn store(&self, to: &mut [V::Real]) {
        let to = &mut V::arrays_mut(to)[..TERMS];
        let [x, y, z] = self.u;
        x.store(&mut to[0]);
        y.store(&mut to[1]);
        z.store(&mut to[2]);
        self.r.store(&mut to[3]);
        self.g.store(&mut to[4]);
        self.slope.store(&mut to[5]);
        self.across.store(&mut to[6]);
        self.pair.store(&mut to[7]);
    }

    #[inline(always)]
    pub(super) fn load(from: &[V::Real]) -> Self {
        let from = &V::arrays(from)[..TERMS];
        Self {
            u: [V::load(&from[0]), V::load(&from[1]), V::load(&from[2])],
            r: V::load(&from[3]),
            g: V::load(&from[4]),
            slope: V::load(&from[5]),
            across: V::load(&from[6]),
            pair: V::load(&from[7]),
        }
    }
}

/// The parameters, as the kernel needs them.
#[derive(Clone, Copy)]
pub(super) struct Constants<V> {
    cutoff: V,
    nearest_gap: V,
    sigma: V,
    inverse_sigma: V,
    gamma: V,
    bond: V,
    repulsion: V,
    strength: V,
    /// -2 cos0, cos0^2 and -2 (1 - cos0)^2.
    by_p: V,
    by_g: V,
    own: V,
}

impl<V: Pairs> Constants<V> {
    #[inline(always)]
    pub(super) fn new(sw: &StillingerWeber) -> Self {
        Self {
            cutoff: V::splat(sw.cutoff()),
            // Not nearer to the cutoff than where the exponentials are as good as zero.
            nearest_gap: V::splat(sw.sigma * -1.4e-3),
            sigma: V::splat(sw.sigma),
            inverse_sigma: V::splat(-1.0 / sw.sigma),
            gamma: V::splat(sw.gamma),
            bond: V::splat(sw.bond * sw.epsilon),
            repulsion: V::splat(sw.repulsion),
            strength: V::splat(sw.lambda * sw.epsilon),
            by_p: V::splat(-2.0 * sw.cos0),
            by_g: V::splat(sw.cos0 * sw.cos0),
            own: V::splat(-2.0 * (1.0 - sw.cos0).powi(2)),
        }
    }

    /// From the displacements of pairs to all that depends on one pair, and phi2. Zero from pair `n`.
    #[inline(always)]
    pub(super) fn terms(&self, [x, y, z]: [V; 3], n: usize) -> (Terms<V>, V) {
        let r2 = x.mul_add(x, y.mul_add(y, z.times(z)));
        let inverse = r2.inverse_root();
        let r = r2.times(inverse);
        let w = self.sigma.over(r.minus(self.cutoff).min(self.nearest_gap));
        let (mut e, mut g) = (exp(w), exp(self.gamma.times(w)));
        if n < V::LEN {
            (e, g) = (e.first(n), g.first(n));
        }
        let e = e.times(self.bond);
        let w_slope = w.times(w).times(self.inverse_sigma);
        let s = self.sigma.times(inverse);
        let s2 = s.times(s);
        let repulsion = self.repulsion.times(s2.times(s2));
        let depth = repulsion.minus(V::splat(1.0));
        let steep = repulsion.times(V::splat(-4.0)).times(inverse);
        let terms = Terms {
            u: [x.times(inverse), y.times(inverse), z.times(inverse)],
            r,
            g,
            slope: g.times(self.gamma).times(w_slope),
            across: g.times(inverse).times(self.strength),
            pair: e.times(depth.mul_add(w_slope, steep)),
        };
        (terms, e.times(depth))
    }

    /// The derivative of the energy by the displacement, from sums of moments as they are stored.
    #[inline(always)]
    pub(super) fn gradient(
        &self,
        Terms { u: [x, y, z], g, slope, across, pair, .. }: &Terms<V>,
        [px, py, pz, g_sum]: [V; 4],
        [xx, yy, zz, _]: [V; 4],
        [xy, yz, zx, _]: [V; 4],
    ) -> [V; 3] {
        let (x, y, z) = (*x, *y, *z);
        let qx = xx.mul_add(x, xy.mul_add(y, zx.times(z)));
        let qy = xy.mul_add(x, yy.mul_add(y, yz.times(z)));
        let qz = zx.mul_add(x, yz.mul_add(y, zz.times(z)));
        let uqu = x.mul_add(qx, y.mul_add(qy, z.times(qz)));
        let up = x.mul_add(px, y.mul_add(py, z.times(pz))).times(self.by_p);
        let by_g = uqu.plus(up).plus(self.own.mul_add(*g, g_sum.times(self.by_g)));
        // dE/du over g, and its part along u, which turns nothing.
        let along = V::splat(2.0).mul_add(uqu, up);
        let radial = across.mul_sub_from(along, self.strength.times(by_g).mul_add(*slope, *pair));
        let (twice, by_p) = (across.plus(*across), across.times(self.by_p));
        [
            radial.mul_add(x, twice.mul_add(qx, by_p.times(px))),
            radial.mul_add(y, twice.mul_add(qy, by_p.times(py))),
            radial.mul_add(z, twice.mul_add(qz, by_p.times(pz))),
        ]
    }
}
