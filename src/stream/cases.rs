//! The cases of this chapter, on 128 MiB each.

use super::{Block, read, write};
use crate::case::{Case, Step, Work};
use crate::close;

const WORDS: usize = 1 << 24;

/// Every case of the chapter. What they cost in instructions says nothing.
pub fn cases() -> Vec<Case> {
    let bytes = 8 * WORDS as u64;
    let work = Work { units: bytes, unit: "byte", flops: 0, bytes, resident_bytes: bytes };
    let reading = || Reading { words: (0..WORDS as u64).collect(), sum: 0 };
    let writing = || Writing(vec![Block([0; 2]); WORDS / 2]);
    vec![
        Case::new("stream/read/mib128", "portable", work, reading).timed_only().exact(),
        Case::new("stream/write/mib128", "portable", work, writing).timed_only().exact(),
    ]
}

struct Reading {
    words: Vec<u64>,
    sum: u64,
}

impl Step for Reading {
    fn run(&mut self) {
        self.sum = read(&self.words);
    }

    fn spoil(&mut self) {
        self.sum = u64::MAX;
    }

    fn digest(&self) -> u64 {
        self.sum
    }

    fn check(&self) -> Result<(), String> {
        let n = WORDS as u64;
        close::bits("the sum", &[self.sum], &[n * (n - 1) / 2])
    }
}

struct Writing(Vec<Block>);

const VALUE: u64 = 0x0123_4567_89ab_cdef;

impl Step for Writing {
    fn run(&mut self) {
        write(&mut self.0, VALUE);
    }

    fn spoil(&mut self) {
        self.0.fill(Block([0; 2]));
    }

    fn digest(&self) -> u64 {
        close::digest(self.0.iter().flat_map(|block| block.0))
    }

    fn check(&self) -> Result<(), String> {
        let wrong = self.0.iter().position(|block| *block != Block([VALUE; 2]));
        wrong.map_or(Ok(()), |at| Err(format!("block {at} is {:x?}", self.0[at].0)))
    }
}
