//! Numbers that start where a cache line does, so that no register is loaded from two lines.

use std::ops::{Deref, DerefMut};

/// A cache line has so many bytes.
const LEN_BYTES: usize = 64;

/// Numbers of which the first starts a cache line.
#[derive(Debug)]
pub(super) struct Lines<T> {
    all: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Lines<T> {
    pub(super) fn zeros(len: usize) -> Self {
        let all = vec![T::default(); len + LEN_BYTES / size_of::<T>()];
        let start = all.as_ptr().align_offset(LEN_BYTES);
        Self { all, start, len }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> &[T] {
        &self.all[self.start..][..self.len]
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self) -> &mut [T] {
        &mut self.all[self.start..][..self.len]
    }
}

impl<T: Copy + Default> Deref for Lines<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        self.get()
    }
}

impl<T: Copy + Default> DerefMut for Lines<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        self.get_mut()
    }
}

impl<T: Copy + Default> Default for Lines<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Copy + Default> Clone for Lines<T> {
    /// A copy starts a cache line, too.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.get_mut().copy_from_slice(self.get());
        copy
    }
}
