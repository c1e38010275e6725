//! Encoding and decoding at once: what the codes of a batch stand for.

use std::cell::RefCell;

use super::Codec;
use crate::lattice::code::encoded::{CodesMut, Layout};
use crate::lattice::code::lanes::{Aligned, LanePoints};
use crate::lattice::d4::D4;
use crate::lattice::e8::E8;
#[cfg(target_arch = "x86_64")]
use crate::lattice::encode;
use crate::lattice::z2::Z2;
use crate::lattice::{Error, Lattice};
#[cfg(target_arch = "x86_64")]
use crate::machine::isa::Isa;

/// Bytes of the codes of one vector, with the longest word.
const SINGLE_LEN_BYTES: usize = 34;

/// Bytes of the codes that quantizing keeps before it decodes them: many, since every change from
/// encoding to decoding takes time.
const CHUNK_LEN_BYTES: usize = 1 << 16;

thread_local! {
    /// Cleared only once, for that takes time.
    static CODES: RefCell<Aligned<[u8; CHUNK_LEN_BYTES]>> =
        const { RefCell::new(Aligned([0; CHUNK_LEN_BYTES])) };
}

impl Codec {
    /// Writes what decoding the codes of `x` gives into `y`; both lie in `layout`.
    ///
    /// Returns how many vectors are overloaded.
    ///
    /// # Errors
    ///
    /// Those of [`Codec::encode`]; or says that `x` is not a whole number of vectors.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn quantize(&self, x: &[f32], y: &mut [f32], layout: Layout) -> Result<usize, Error> {
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        match self.lattice() {
            Lattice::Z2 => self.quantize_in::<Z2, 2>(x, y, layout),
            Lattice::D4 => self.quantize_in::<D4, 4>(x, y, layout),
            Lattice::E8 => self.quantize_in::<E8, 8>(x, y, layout),
        }
    }

    fn quantize_in<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
    ) -> Result<usize, Error> {
        let n = x.len() / D;
        if n * D != x.len() {
            return Err(Error::Batch { found: x.len(), dim: D, n });
        }
        if n == 1 {
            let mut stack = [0; SINGLE_LEN_BYTES];
            let mut codes = CodesMut::new(&self.packed, 1, &mut stack);
            let set = |word, t, overload| codes.set_short(0, word, t, overload);
            if let Some(overload) = self.encode_single::<D>(x, set) {
                self.decode_in::<L, D>(codes.read(), y, layout, 0)?;
                return Ok(overload.into());
            }
        }
        CODES.with_borrow_mut(|room| self.quantize_by_chunks::<L, D>(x, y, layout, &mut room.0))
    }

    /// Encodes and decodes as many vectors at a time as `room` holds the codes of. All at once has code
    /// of its own, since a loop costs short batches more.
    #[inline(always)]
    fn quantize_by_chunks<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let n = x.len() / D;
        if self.packed.room(n) <= room.len() {
            let codes = CodesMut::new(&self.packed, n, room);
            return self.quantize_chunk::<L, D>(x, y, layout, 0, codes);
        }
        // Whole cache lines of flags and of codes.
        let chunk = 64 * (room.len() / self.packed.room(64));
        let mut overloaded = 0;
        for from in (0..n).step_by(chunk) {
            let codes = CodesMut::new(&self.packed, chunk.min(n - from), room);
            overloaded += self.quantize_chunk::<L, D>(x, y, layout, from, codes)?;
        }
        Ok(overloaded)
    }

    #[inline(always)]
    fn quantize_chunk<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
        from: usize,
        mut codes: CodesMut<'_>,
    ) -> Result<usize, Error> {
        self.encode_in::<L, D>(x, layout, from, &mut codes)?;
        self.decode_in::<L, D>(codes.read(), y, layout, from)?;
        // Last: a load of several flags waits for the stores of each, if those are recent.
        Ok(self.overloaded(&codes))
    }

    #[inline]
    fn overloaded(&self, codes: &CodesMut<'_>) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.isa != Isa::Scalar {
            // SAFETY: all others have POPCNT, and `with_isa` and `Isa::best` leave only what this
            // processor has.
            return unsafe { encode::overloaded(codes) };
        }
        codes.overloaded()
    }
}
