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

use super::StillingerWeber;
use super::terms::{Constants, TERMS, Terms};
use crate::machine::isa::Isa;
use crate::md::lanes::{Lanes, MOST, PairKernel, Pairs, Quad, Real, Room};
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::{Forces, Potential, is_narrow};
use crate::md::system::Vector;

/// Registers of pairs after which sums of narrow numbers go on in `f64`.
pub(super) const MOVED: usize = 8;

/// Buffers of one evaluation, in such numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers<R: Real> {
    /// Where the images are: x, y, z, 0.
    images: Room<R>,
    /// The two images of each pair within the cutoff. Later the second one's atom takes its place.
    first: Vec<u32>,
    second: Vec<u32>,
    /// By register of pairs, the numbers of [`Terms`].
    terms: Room<R>,
    /// Per atom: P and G; Q as xx, yy, zz; Q as xy, yz, zx.
    moments: Room<f64>,
    /// Per atom: force and 0.
    forces: Room<f64>,
}

/// Writes the images of pairs closer than the cutoff into `first` and `second`; counts them.
///
/// Behind them stands the first pair again, to the end of its register.
#[inline(always)]
fn filter<V: Pairs>(
    cutoff: f64,
    list: &NeighbourList,
    images: &[Quad<V::Real>],
    [first, second]: [&mut [u32]; 2],
) -> usize {
    let limit = V::splat(cutoff * cutoff);
    let mut n = 0;
    for i in 0..list.len() {
        let (near, forward) = (list.of(i), list.forward(i).len());
        let [x, y, z, _] = images[i];
        let (x0, y0, z0) = (V::splat(x.into()), V::splat(y.into()), V::splat(z.into()));
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
            let mut rows = V::same(V::Row::splat(0.0));
            for l in 0..V::LEN {
                rows[l] = V::Row::load(&images[them[l] as usize]);
            }
            let [x, y, z, _] = V::columns(&rows);
            let (x, y, z) = (x.minus(x0), y.minus(y0), z.minus(z0));
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

/// Sums over registers, which go on in `f64` where their numbers are narrow.
struct Sums<V, const N: usize> {
    lanes: [V; N],
    totals: [f64; N],
}

impl<V: Lanes, const N: usize> Sums<V, N> {
    #[inline(always)]
    fn new() -> Self {
        Self { lanes: [V::splat(0.0); N], totals: [0.0; N] }
    }

    /// Adds the products of register `b`.
    #[inline(always)]
    fn add(&mut self, b: usize, products: [[V; 2]; N]) {
        for k in 0..N {
            let [x, y] = products[k];
            self.lanes[k] = x.mul_add(y, self.lanes[k]);
        }
        if is_narrow::<V>() && b % MOVED == MOVED - 1 {
            for k in 0..N {
                self.totals[k] += self.lanes[k].sum();
                self.lanes[k] = V::splat(0.0);
            }
        }
    }

    #[inline(always)]
    fn finish(&self) -> [f64; N] {
        std::array::from_fn(|k| self.totals[k] + self.lanes[k].sum())
    }
}

#[inline(always)]
fn evaluate<V: Pairs>(
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers<V::Real>,
    out: &mut Forces,
) {
    let Buffers { images, first, second, terms, moments, forces } = buffers;
    let images = &mut images.quads(list.most_images())[..list.images()];
    list.place_rows(positions, images);
    // The list holds each pair twice.
    let room = list.pairs() / 2 + 2 * MOST;
    if first.len() < room {
        first.resize(room + room / 4, 0);
        second.resize(room + room / 4, 0);
    }
    // On the stack: no number that is written in the loops could change where these are.
    let (first, second) = (&mut first[..], &mut second[..]);
    let pairs = filter::<V>(sw.cutoff(), list, images, [first, second]);
    let registers = pairs.div_ceil(V::LEN);
    // For as many as the list may bring within the cutoff, or it would grow as a crystal warms.
    let terms = terms.numbers(room * TERMS);
    let moments = moments.zeros(12 * positions.len()).as_chunks_mut::<4>().0;
    let moments = moments.as_chunks_mut::<3>().0;
    let forces = forces.zeros(4 * positions.len()).as_chunks_mut::<4>().0;
    let (constants, owners) = (Constants::<V>::new(sw), list.owners());
    let flip = V::Wide::load(&[-1.0, -1.0, -1.0, 1.0]);
    let one = V::splat(1.0);
    let zeros = V::same(V::Row::splat(0.0));
    let mut sums = Sums::<V, 2>::new();
    for b in 0..registers {
        let is = &first[b * V::LEN..][..V::LEN];
        let ks = &mut second[b * V::LEN..][..V::LEN];
        let mut rows = zeros;
        for l in 0..V::LEN {
            let here = V::Row::load(&images[is[l] as usize]);
            rows[l] = V::Row::load(&images[ks[l] as usize]).minus(here);
        }
        let [x, y, z, _] = V::columns(&rows);
        let (these, energy) = constants.terms([x, y, z], pairs - b * V::LEN);
        let stored = &mut terms[b * V::LEN * TERMS..][..V::LEN * TERMS];
        these.store(stored);
        sums.add(b, [[energy, one], [these.g, these.g]]);
        let [x, y, z] = these.u;
        let units = V::rows([x, y, z, one]);
        let g = &stored[4 * V::LEN..][..V::LEN];
        for l in 0..V::LEN {
            ks[l] = owners[ks[l] as usize];
            let u = units[l];
            let gu = u.times(V::Row::splat(g[l].into()));
            let squares = V::wide(gu.times(u));
            let products = V::wide(gu.times(V::turned(u)));
            let gu = V::wide(gu);
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
    let [phi2, g2] = sums.finish();
    out.energy = phi2 + energy_of_angles(sw, moments, g2);
    let mut virial = Sums::<V, 6>::new();
    for b in 0..registers {
        let is = &first[b * V::LEN..][..V::LEN];
        let js = &second[b * V::LEN..][..V::LEN];
        let these = Terms::<V>::load(&terms[b * V::LEN * TERMS..]);
        let mut sums = [zeros; 3];
        for l in 0..V::LEN {
            let (of_i, of_j) = (&moments[is[l] as usize], &moments[js[l] as usize]);
            let p_and_g = V::Wide::load(&of_j[0]).mul_add(flip, V::Wide::load(&of_i[0]));
            sums[0][l] = V::narrow(p_and_g);
            sums[1][l] = V::narrow(V::Wide::load(&of_i[1]).plus(V::Wide::load(&of_j[1])));
            sums[2][l] = V::narrow(V::Wide::load(&of_i[2]).plus(V::Wide::load(&of_j[2])));
        }
        let [p_and_g, squares, products] =
            [V::columns(&sums[0]), V::columns(&sums[1]), V::columns(&sums[2])];
        let [x, y, z] = constants.gradient(&these, p_and_g, squares, products);
        let d = [these.u[0].times(these.r), these.u[1].times(these.r), these.u[2].times(these.r)];
        virial.add(b, [[d[0], x], [d[1], y], [d[2], z], [d[0], y], [d[0], z], [d[1], z]]);
        let rows = V::rows([x, y, z, V::splat(0.0)]);
        for l in 0..V::LEN {
            let row = V::wide(rows[l]);
            add(&mut forces[is[l] as usize], row);
            let force = &mut forces[js[l] as usize];
            V::Wide::load(force).minus(row).store(force);
        }
    }
    out.add_virial(virial.finish().map(|w| -w));
    for (to, from) in out.forces.iter_mut().zip(&*forces) {
        *to = [from[0], from[1], from[2]];
    }
}

/// Energy of the angles of all atoms, from their moments and the sum of g^2 over pairs.
#[inline(always)]
fn energy_of_angles(sw: &StillingerWeber, moments: &[[Quad<f64>; 3]], g2: f64) -> f64 {
    let (by_p, by_g) = (-2.0 * sw.cos0, sw.cos0 * sw.cos0);
    let weights = [[by_p, by_p, by_p, by_g], [1.0, 1.0, 1.0, 0.0], [2.0, 2.0, 2.0, 0.0]];
    let mut sums = [0.0; 4];
    for of in moments {
        for k in 0..3 {
            for l in 0..4 {
                sums[l] += weights[k][l] * (of[k][l] * of[k][l]);
            }
        }
    }
    // Each pair stands in the sums of g^2 of both its atoms.
    let sum: f64 = sums.iter().sum();
    0.5 * sw.lambda * sw.epsilon * (sum - 2.0 * (1.0 - sw.cos0).powi(2) * g2)
}

/// The arguments of [`evaluate`].
struct Evaluation<'a, R: Real> {
    sw: &'a StillingerWeber,
    positions: &'a [Vector],
    list: &'a NeighbourList,
    buffers: &'a mut Buffers<R>,
    out: &'a mut Forces,
}

impl<R: Real> PairKernel<R> for Evaluation<'_, R> {
    #[inline(always)]
    fn run<V: Pairs<Real = R>>(self) {
        let Self { sw, positions, list, buffers, out } = self;
        evaluate::<V>(sw, positions, list, buffers, out);
    }
}

/// Does as [`Potential::compute`] into `out`, which is zero.
///
/// # Panics
///
/// If the processor lacks `isa`, or that is the plain one.
pub(super) fn compute<R: Real>(
    isa: Isa,
    sw: &StillingerWeber,
    positions: &[Vector],
    list: &NeighbourList,
    buffers: &mut Buffers<R>,
    out: &mut Forces,
) {
    R::on_pairs(isa, Evaluation { sw, positions, list, buffers, out });
}
