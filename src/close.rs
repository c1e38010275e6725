//! When two results are the same: bit for bit, or within a bound that the caller derived.

use std::fmt::Debug;

/// A value with an exact bit pattern.
pub trait Word: Copy + Debug {
    /// The bits, widened; distinct bits give distinct words.
    fn word(self) -> u64;
}

macro_rules! word {
    ($($t:ty: $v:ident => $bits:expr;)*) => {
        $(impl Word for $t {
            fn word(self) -> u64 {
                let $v = self;
                $bits
            }
        })*
    };
}
word! {
    u8: v => v.into();
    u32: v => v.into();
    u64: v => v;
    i32: v => v.cast_unsigned().into();
    i64: v => v.cast_unsigned();
    bool: v => v.into();
    f32: v => v.to_bits().into();
    f64: v => v.to_bits();
}

/// Hash of all bits of `values`, in order: FNV-1a over 64-bit words, the high half folded in after
/// each, for a product hands its highest bit to no other.
///
/// Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV non-cryptographic hash
/// algorithm", IETF draft.
pub fn digest<T: Word>(values: impl IntoIterator<Item = T>) -> u64 {
    values.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, v| {
        let h = (h ^ v.word()).wrapping_mul(0x0000_0100_0000_01b3);
        h ^ h >> 32
    })
}

/// Requires equal lengths and equal bits.
///
/// # Errors
///
/// Names the first difference.
pub fn bits<T: Word>(what: &str, got: &[T], want: &[T]) -> Result<(), String> {
    same_len(what, got.len(), want.len())?;
    match got.iter().zip(want).position(|(g, w)| g.word() != w.word()) {
        None => Ok(()),
        Some(i) => Err(format!("{what}[{i}] is {:?}, expected {:?}", got[i], want[i])),
    }
}

/// Requires `|got - want| <= bound`, component by component; NaN is never close.
///
/// # Errors
///
/// Names the component that misses its bound by the largest factor.
pub fn within(what: &str, got: &[f64], want: &[f64], bound: &[f64]) -> Result<(), String> {
    same_len(what, got.len(), want.len())?;
    same_len("bound", bound.len(), want.len())?;
    let miss = |i: usize| (got[i] - want[i]).abs() / bound[i];
    let outside = (0..got.len()).filter(|&i| {
        let close = (got[i] - want[i]).abs() <= bound[i];
        !close
    });
    match outside.max_by(|&i, &j| miss(i).total_cmp(&miss(j))) {
        None => Ok(()),
        Some(i) => Err(format!(
            "{what}[{i}] is {:e}, expected {:e} within {:e}, off by {:e}",
            got[i],
            want[i],
            bound[i],
            (got[i] - want[i]).abs()
        )),
    }
}

fn same_len(what: &str, got: usize, want: usize) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what} has {got} values, expected {want}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_other_lengths_are_never_close() {
        assert!(within("x", &[1.0], &[1.0], &[0.0]).is_ok(), "equal is close");
        assert!(within("x", &[f64::NAN], &[1.0], &[1e9]).is_err(), "NaN");
        assert!(within("x", &[1.0], &[1.0, 2.0], &[1.0, 1.0]).is_err(), "length");
        let err = within("x", &[1.0, 5.0, 2.0], &[1.1, 1.0, 1.0], &[0.2; 3]).unwrap_err();
        assert!(err.starts_with("x[1] is 5e0"), "{err}");
    }

    #[test]
    fn bits_tell_zeros_apart() {
        assert!(bits("x", &[0.0_f32], &[-0.0]).is_err(), "-0 is not 0");
        assert!(bits("x", &[f64::NAN], &[f64::NAN]).is_ok(), "the same NaN");
        assert_ne!(digest([1_u8, 2]), digest([2_u8, 1]), "order matters");
        let published = 0xaf63_dc4c_8601_ec8c_u64;
        assert_eq!(digest([0x61_u8]), published ^ published >> 32, "FNV-1a of `a`, folded");
        assert_ne!(digest([1.0, 2.0]), digest([-1.0, -2.0]), "signs of a pair");
    }
}
