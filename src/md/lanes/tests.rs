use super::*;

/// Numbers of every size that a distance may have, squared.
fn numbers() -> impl Iterator<Item = f64> {
    (-40..60).flat_map(|k| (0..50).map(move |j| f64::from(k).exp2() * (1.0 + f64::from(j) / 50.0)))
}

#[inline(always)]
fn assert_tiles<V: Tile>(name: &str) {
    let numbers_of_atoms = [1.0, 2.0, 3.0, 4.0];
    let quad = numbers_of_atoms.map(V::Real::from_f64);
    for first in (0..CLUSTER).step_by(V::ROWS) {
        let (along, across) = (V::along(&quad, first), V::across(&quad));
        let (mut by_row, mut by_atom) = ([0.5; 4], [0.5; 4]);
        along.times(across).add_along(&mut by_row, first);
        along.times(across).add_across(&mut by_atom);
        let rows: f64 = numbers_of_atoms[first..first + V::ROWS].iter().sum();
        let all: f64 = numbers_of_atoms.iter().sum();
        for (k, x) in numbers_of_atoms.into_iter().enumerate() {
            let own = (first..first + V::ROWS).contains(&k);
            assert_eq!(by_row[k], 0.5 + if own { x * all } else { 0.0 }, "{name}, row {k}");
            assert_eq!(by_atom[k], 0.5 + x * rows, "{name}, atom {k}");
        }
        let near = across.below(V::splat(2.5));
        assert!(V::any(near) && !V::any(across.below(V::splat(1.0))), "{name}");
        assert_eq!(across.keep(near).sum(), 3.0 * V::ROWS as f64, "{name}: 1 and 2 are kept");
        assert_eq!(along.max(across).min(across).sum(), across.sum(), "{name}");
        let off = across.mul_sub_from(across, across.mul_add(across, V::splat(2.0)));
        assert_eq!(off.sum(), 2.0 * V::LEN as f64, "{name}: a a + 2 - a a");
    }
    for x in numbers() {
        let (got, want) = (V::splat(x).inverse_root().sum() / V::LEN as f64, 1.0 / x.sqrt());
        assert!(
            (got / want - 1.0).abs() < 4.0 * V::Real::EPSILON,
            "{name}: 1/sqrt({x:e}) = {got:e}"
        );
    }
    let (round, most) = if V::Real::EPSILON > f64::EPSILON {
        (12_582_912.0, 100)
    } else {
        (6_755_399_441_055_744.0, 1000)
    };
    for n in [-most, -3, 0, 5, most] {
        let low = V::splat(round + f64::from(n));
        assert_eq!(low.power().sum(), V::LEN as f64 * f64::from(n).exp2(), "{name}: 2^{n}");
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn assert_pairs<V: Pairs>(name: &str) {
    let row = |numbers: [f64; 4]| V::Row::load(&numbers.map(V::Real::from_f64));
    let mut rows = V::same(V::Row::splat(0.0));
    for k in 0..V::LEN {
        let x = k as f64;
        rows[k] = row([x, 100.0 + x, 200.0 + x, 300.0 + x]);
    }
    let columns = V::columns(&rows);
    for (c, column) in (0_u32..).zip(columns) {
        let want: f64 = (0..V::LEN).map(|k| f64::from(100 * c) + k as f64).sum();
        assert_eq!(column.sum(), want, "{name}, column {c}");
    }
    let stored = |row: V::Row| {
        let mut to = [0.0; 4].map(V::Real::from_f64);
        row.store(&mut to);
        to.map(Into::<f64>::into)
    };
    // The sums of the first lanes of a column tell their order.
    let back = V::rows(columns);
    for k in 0..V::LEN {
        let [x, y, z, w] = stored(rows[k]);
        assert_eq!(stored(back[k]), [x, y, z, w], "{name}, row {k}");
        assert_eq!(stored(V::turned(back[k])), [y, z, x, w], "{name}, row {k}");
        let want: f64 = (0..k).map(|l| 100.0 + l as f64).sum();
        assert_eq!(columns[1].first(k).sum(), want, "{name}");
    }
    let bits = columns[0].bits_below(V::splat(2.5));
    assert_eq!(bits, 0b111, "{name}: lanes 0 to 2 are below");
    for n in 0..=V::LEN {
        assert_eq!(V::splat(1.0).first(n).sum(), n as f64, "{name}: the first {n} lanes");
    }
    let from: Vec<u32> = (100..).take(V::LEN).collect();
    for bits in 0..1_u32 << V::LEN {
        let mut to = vec![0; 2 * V::LEN];
        V::compress(bits, &from, &mut to);
        let want: Vec<u32> = from.iter().copied().filter(|x| bits >> (x - 100) & 1 == 1).collect();
        assert_eq!(&to[..want.len()], want, "{name}, bits {bits:b}");
    }
}

/// Compares all functions of registers with those of arrays.
struct Compare(&'static str);

impl<R: Real> Kernel<R> for Compare {
    #[inline(always)]
    fn run<V: Tile<Real = R>>(self) {
        assert_tiles::<V>(self.0);
    }
}

#[cfg(target_arch = "x86_64")]
impl<R: Real> PairKernel<R> for Compare {
    #[inline(always)]
    fn run<V: Pairs<Real = R>>(self) {
        assert_pairs::<V>(self.0);
    }
}

#[test]
fn registers_compute_as_arrays_do() {
    for isa in Isa::available() {
        f64::on(isa, Compare(isa.name()));
        f32::on(isa, Compare(isa.name()));
        #[cfg(target_arch = "x86_64")]
        if isa != Isa::Scalar {
            f64::on_pairs(isa, Compare(isa.name()));
            f32::on_pairs(isa, Compare(isa.name()));
        }
    }
}

/// A kernel that counts how often it is run.
struct Count<'a>(&'a mut usize);

impl Kernel<f64> for Count<'_> {
    fn run<V: Tile<Real = f64>>(self) {
        *self.0 += V::ROWS;
    }
}

/// Registers come only with a kernel that is run, and none is run by what the processor lacks.
#[test]
fn no_kernel_is_run_by_an_instruction_set_that_the_processor_lacks() {
    for isa in Isa::ALL {
        let mut rows = 0;
        let run = std::panic::AssertUnwindSafe(|| f64::on(isa, Count(&mut rows)));
        let ran = std::panic::catch_unwind(run).is_ok();
        assert_eq!((ran, rows > 0), (isa.is_available(), isa.is_available()), "{}", isa.name());
    }
}

/// Sums go on in `f64`: in `f32` a term of 2^-24 would be lost.
#[test]
fn sums_of_f32_go_on_in_f64() {
    struct Add;
    impl Kernel<f32> for Add {
        #[inline(always)]
        fn run<V: Tile<Real = f32>>(self) {
            let small = V::splat(f64::from(f32::EPSILON) / 8.0);
            let [mut rows, mut atoms] = [[1.0; 4], [1.0; 4]];
            small.add_along(&mut rows, 0);
            small.add_across(&mut atoms);
            let more = f64::from(f32::EPSILON) / 8.0;
            assert_eq!(rows[0], 1.0 + 4.0 * more, "a row of four atoms");
            assert_eq!(atoms, [1.0 + V::ROWS as f64 * more; 4], "atoms of all rows");
        }
    }
    Isa::available().for_each(|isa| f32::on(isa, Add));
}

#[test]
fn numbers_start_where_a_cache_line_does() {
    let mut room = Room::default();
    for len in [0, 1, 7, 100, 30] {
        let numbers: &mut [f64] = room.numbers(len);
        assert_eq!((numbers.len(), numbers.as_ptr() as usize % 64), (len, 0), "{len} numbers");
        numbers.fill(1.0);
        assert!(room.zeros(len).iter().all(|&x| x == 0.0), "{len} zeros");
        assert_eq!(room.quads(len).len(), len, "quads");
    }
}
