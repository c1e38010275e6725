//! Stillinger-Weber by pairs: every lane is a pair of atoms, whichever these are.
//!
//! The energy of an atom is a polynomial in its moments (see `moments.rs`). So the force between
//! atoms i and j depends on what else is around them only by sums of the two:
//!
//! ```text
//! with u from i to j, and Q = Q_i + Q_j, P = P_i - P_j, G = G_i + G_j:
//! dE/du = 2 g (Q u - cos0 P)
//! dE/dg = u.Q.u - 2 cos0 u.P + cos0^2 G - 2 (1 - cos0)^2 g
//! ```
//!
//! The sign of P is that of u seen from j. Angles thus cost no more than a pair force:
//!
//! 1. The pairs within the cutoff are filtered from the forward half of the list.
//! 2. For each: distance, both exponentials, unit vector; its part goes into the moments of i and j.
//! 3. For each: the force from the sums of moments; it goes to i and j.
//!
//! Atoms, moments and forces are rows of four numbers. The rows of a register of pairs are loaded and
//! transposed, and what is computed is transposed back and added row by row, so that nothing is
//! gathered or scattered and two pairs of one atom never collide.

use std::arch::x86_64::{__m256d, __m512d};

use super::StillingerWeber;
use crate::machine::isa::Isa;
use crate::md::lanes::{Lanes, MOST, Pairs, Quad, Room};
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::exp::{INVERSE_FACTORIALS, LN2_HIGH, LN2_LOW, ROUND};
use crate::md::potentials::{Forces, Potential};
use crate::md::system::Vector;

/// Buffers of one evaluation.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers {
    /// Where the images are: x, y, z, 0.
    images: Room<f64>,
    /// The two images of each pair within the cutoff. Later the second one's atom takes its place.
    first: Vec<u32>,
    second: Vec<u32>,
    /// By register of pairs, the numbers of [`Terms`].
    terms: Room<f64>,
    /// Per atom: P and G; Q as xx, yy, zz; Q as xy, yz, zx.
    moments: Room<f64>,
    /// Per atom: force and 0.
    forces: Room<f64>,
}

/// What one register of pairs leaves for its forces.
#[derive(Clone, Copy)]
struct Terms<V> {
    /// Unit vector from the first atom to the second.
    u: [V; 3],
    r: V,
    g: V,
    /// dg/dr
    slope: V,
    /// lambda eps g/r
    across: V,
    /// dphi2/dr
    pair: V,
}

/// Numbers of [`Terms`].
const TERMS: usize = 8;

impl<V: Pairs<Real = f64>> Terms<V> {
    #[inline(always)]
    fn store(&self, to: &mut [f64]) {
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
    fn load(from: &[f64]) -> Self {
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

/// As `exp::exp`, for x <= 0, in two interleaved chains.
#[inline(always)]
fn exp<V: Pairs<Real = f64>>(x: V) -> V {
    let c = |k: usize| V::splat(INVERSE_FACTORIALS[k]);
    let x = x.max(V::splat(-700.0));
    let rounded = x.mul_add(V::splat(std::f64::consts::LOG2_E), V::splat(ROUND));
    let n = rounded.minus(V::splat(ROUND));
    let r = n.mul_sub_from(V::splat(LN2_LOW), n.mul_sub_from(V::splat(LN2_HIGH), x));
    let r2 = r.times(r);
    let (mut odd, mut even) = (c(13), c(12));
    for k in [5, 4, 3, 2, 1, 0] {
        odd = odd.mul_add(r2, c(2 * k + 1));
        even = even.mul_add(r2, c(2 * k));
    }
    odd.mul_add(r, even).times(rounded.power())
}

/// The parameters, as the kernel needs them.
#[derive(Clone, Copy)]
struct Constants<V> {
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

impl<V: Pairs<Real = f64>> Constants<V> {
    #[inline(always)]
    fn new(sw: &StillingerWeber) -> Self {
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
    fn terms(&self, [x, y, z]: [V; 3], n: usize) -> (Terms<V>, V) {
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
    fn gradient(
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

/// Writes the images of pairs closer than the cutoff into `first` and `second`; counts them.
///
/// Behind them stands the first pair again, to the end of its register.
#[inline(always)]
fn filter<V: Pairs<Real = f64>>(
    cutoff: f64,
    list: &NeighbourList,
    images: &[Quad<f64>],
    [first, second]: [&mut [u32]; 2],
) -> usize {
    let limit = V::splat(cutoff * cutoff);
    let mut n = 0;
    for i in 0..list.len() {
        let (near, forward) = (list.of(i), list.forward(i).len());
        let here = V::Row::load(&images[i]);
        let atom = u32::try_from(i).expect("at most 2^23 images");
        let mut at = 0;
        while at < forward {
            // The pairs behind the forward ones are in sight, but do not count.
            let mut tail = [atom; MOST];
            let them = if near.len() - at < V::LEN {
                tail[..near.len() - at].copy_from_slice(&near[at..]);
                &tail[..V::LEN]
            } else {
                &near[at..][..V::LEN]
            };
            let mut rows = [here; MOST];
            for l in 0..V::LEN {
                rows[l] = V::Row::load(&images[them[l] as usize]).minus(here);
            }
            let [x, y, z, _] = V::columns(&rows);
            let r2 = x.mul_add(x, y.mul_add(y, z.times(z)));
            let left = forward - at;
            let real = if left < V::LEN { (1 << left) - 1 } else { u32::MAX };
            let bits = r2.bits_below(limit) & real;
            first[n..][..V::LEN].fill(atom);
            V::compress(bits, them, &mut second[n..]);
            n += bits.count_ones() as usize;
            at += V::LEN;
        }
    }
    let end = n.next_multiple_of(V::LEN);
    let (i, k) = (first[0], second[0]);
    first[n..end].fill(i);
    second[n..end].fill(k);
    n
}

/// Adds a row to another one.
#[inline(always)]
fn add<Q: Lanes>(to: &mut Q::Array, row: Q) {
    Q::load(to).plus(row).store(to);
}

#[inline(always)]
fn evaluate<V: Pairs<Real = f64>>(
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers,
    out: &mut Forces,
) {
    let Buffers { images, first, second, terms, moments, forces } = buffers;
    let images = images.quads(list.images());
    list.place_rows(positions, images);
    // The list holds each pair twice.
    let room = list.pairs() / 2 + 2 * MOST;
    if first.len() < room {
        first.resize(room + room / 4, 0);
        second.resize(room + room / 4, 0);
    }
    let pairs = filter::<V>(sw.cutoff(), list, images, [first, second]);
    let registers = pairs.div_ceil(V::LEN);
    let terms = terms.numbers(registers * V::LEN * TERMS);
    let moments = moments.zeros(12 * positions.len()).as_chunks_mut::<4>().0;
    let moments = moments.as_chunks_mut::<3>().0;
    let forces = forces.zeros(4 * positions.len()).as_chunks_mut::<4>().0;
    let (constants, owners) = (Constants::<V>::new(sw), list.owners());
    let flip = V::Row::load(&[-1.0, -1.0, -1.0, 1.0]);
    let (mut phi2, mut g2) = (V::splat(0.0), V::splat(0.0));
    let zero = V::Row::splat(0.0);
    for b in 0..registers {
        let is = &first[b * V::LEN..][..V::LEN];
        let ks = &mut second[b * V::LEN..][..V::LEN];
        let mut rows = [zero; MOST];
        for l in 0..V::LEN {
            let here = V::Row::load(&images[is[l] as usize]);
            rows[l] = V::Row::load(&images[ks[l] as usize]).minus(here);
        }
        let [x, y, z, _] = V::columns(&rows);
        let (these, energy) = constants.terms([x, y, z], pairs - b * V::LEN);
        let stored = &mut terms[b * V::LEN * TERMS..][..V::LEN * TERMS];
        these.store(stored);
        phi2 = phi2.plus(energy);
        g2 = these.g.mul_add(these.g, g2);
        let [x, y, z] = these.u;
        let units = V::rows([x, y, z, V::splat(1.0)]);
        let g = &stored[4 * V::LEN..][..V::LEN];
        for l in 0..V::LEN {
            ks[l] = owners[ks[l] as usize];
            let u = units[l];
            let gu = u.times(V::Row::splat(g[l]));
            let squares = gu.times(u);
            let products = gu.times(V::turned(u));
            let of = &mut moments[is[l] as usize];
            add(&mut of[0], gu);
            add(&mut of[1], squares);
            add(&mut of[2], products);
            let of = &mut moments[ks[l] as usize];
            add(&mut of[0], gu.times(flip));
            add(&mut of[1], squares);
            add(&mut of[2], products);
        }
    }
    out.energy = phi2.sum() + energy_of_angles::<V::Row>(sw, moments, g2.sum());
    let mut virial = [V::splat(0.0); 6];
    for b in 0..registers {
        let is = &first[b * V::LEN..][..V::LEN];
        let js = &second[b * V::LEN..][..V::LEN];
        let these = Terms::<V>::load(&terms[b * V::LEN * TERMS..]);
        let mut sums = [[zero; MOST]; 3];
        for l in 0..V::LEN {
            let (of_i, of_j) = (&moments[is[l] as usize], &moments[js[l] as usize]);
            sums[0][l] = V::Row::load(&of_j[0]).mul_add(flip, V::Row::load(&of_i[0]));
            sums[1][l] = V::Row::load(&of_i[1]).plus(V::Row::load(&of_j[1]));
            sums[2][l] = V::Row::load(&of_i[2]).plus(V::Row::load(&of_j[2]));
        }
        let [p_and_g, squares, products] =
            [V::columns(&sums[0]), V::columns(&sums[1]), V::columns(&sums[2])];
        let [x, y, z] = constants.gradient(&these, p_and_g, squares, products);
        let d = [these.u[0].times(these.r), these.u[1].times(these.r), these.u[2].times(these.r)];
        virial[0] = d[0].mul_add(x, virial[0]);
        virial[1] = d[1].mul_add(y, virial[1]);
        virial[2] = d[2].mul_add(z, virial[2]);
        virial[3] = d[0].mul_add(y, virial[3]);
        virial[4] = d[0].mul_add(z, virial[4]);
        virial[5] = d[1].mul_add(z, virial[5]);
        let rows = V::rows([x, y, z, V::splat(0.0)]);
        for l in 0..V::LEN {
            add(&mut forces[is[l] as usize], rows[l]);
            let force = &mut forces[js[l] as usize];
            V::Row::load(force).minus(rows[l]).store(force);
        }
    }
    out.add_virial(virial.map(|w| -w.sum()));
    for (to, from) in out.forces.iter_mut().zip(&*forces) {
        *to = [from[0], from[1], from[2]];
    }
}

/// Energy of the angles of all atoms, from their moments and the sum of g^2 over pairs.
#[inline(always)]
fn energy_of_angles<Q: Lanes<Real = f64, Array = Quad<f64>>>(
    sw: &StillingerWeber,
    moments: &[[Quad<f64>; 3]],
    g2: f64,
) -> f64 {
    let (by_p, by_g) = (-2.0 * sw.cos0, sw.cos0 * sw.cos0);
    let weights = [[by_p, by_p, by_p, by_g], [1.0, 1.0, 1.0, 0.0], [2.0, 2.0, 2.0, 0.0]];
    let mut sum = Q::splat(0.0);
    for of in moments {
        for k in 0..3 {
            let m = Q::load(&of[k]);
            sum = m.times(m).mul_add(Q::load(&weights[k]), sum);
        }
    }
    // Each pair stands in the sums of g^2 of both its atoms.
    0.5 * sw.lambda * sw.epsilon * (sum.sum() - 2.0 * (1.0 - sw.cos0).powi(2) * g2)
}

#[target_feature(enable = "avx2,fma,popcnt")]
fn avx2(
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers,
    out: &mut Forces,
) {
    evaluate::<__m256d>(sw, positions, list, buffers, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
fn avx512(
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers,
    out: &mut Forces,
) {
    evaluate::<__m512d>(sw, positions, list, buffers, out);
}

/// Does as [`Potential::compute`] into `out`, which is zero.
///
/// # Panics
///
/// If the processor lacks `isa`, or that is the plain one.
pub(super) fn compute(
    isa: Isa,
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers,
    out: &mut Forces,
) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    match isa {
        // SAFETY: the processor has it, as just asserted.
        Isa::Avx2 => unsafe { avx2(sw, positions, list, buffers, out) },
        // SAFETY: as above.
        Isa::Avx512 => unsafe { avx512(sw, positions, list, buffers, out) },
        Isa::Scalar => panic!("the plain code is in `moments.rs`"),
    }
}
