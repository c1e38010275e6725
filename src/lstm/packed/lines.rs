//! Numbers that start where a cache line does.

/// A cache line has so many bytes.
const LEN_BYTES: usize = 64;

/// Numbers of which the first starts a cache line.
#[derive(Debug)]
pub(super) struct Lines {
    all: Vec<f32>,
    start: usize,
    len: usize,
}

impl Lines {
    pub(super) fn zeros(len: usize) -> Self {
        let all = vec![0.0; len + LEN_BYTES / size_of::<f32>()];
        let start = all.as_ptr().align_offset(LEN_BYTES);
        Self { all, start, len }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> &[f32] {
        &self.all[self.start..][..self.len]
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.start..][..self.len]
    }
}

impl Clone for Lines {
    /// A copy starts a cache line, too.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.get_mut().copy_from_slice(self.get());
        copy
    }
}
