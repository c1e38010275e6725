//! Numbers that start where a cache line does, so that no register is loaded from two lines.

use std::ops::{Deref, DerefMut};

/// Length of a cache line.
const LINE_LEN_BYTES: usize = 64;

/// Numbers of which the first starts a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    all: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    pub(crate) fn zeros(len: usize) -> Self {
        let all = vec![T::default(); len + LINE_LEN_BYTES / size_of::<T>()];
        let start = all.as_ptr().align_offset(LINE_LEN_BYTES);
        Self { all, start, len }
    }
}

impl<T: Copy + Default> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.all[self.start..][..self.len]
    }
}

impl<T: Copy + Default> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all[self.start..][..self.len]
    }
}

impl<T: Copy + Default> Default for Aligned<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// A copy starts a cache line, too.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_copies_start_where_a_cache_line_does() {
        for len in [0, 1, 7, 100] {
            let numbers = Aligned::<f32>::zeros(len);
            for numbers in [numbers.clone(), numbers] {
                assert_eq!((numbers.len(), numbers.as_ptr().addr() % 64), (len, 0));
            }
        }
    }
}
