//! The two lists of cases: what gates, and what only scales.

use crate::case::Case;

type List = fn() -> Vec<Case>;

/// The cases of each chapter that gate, and those that only scale.
const CHAPTERS: &[(List, List)] = &[
    (crate::lattice::cases, crate::lattice::scaling),
    (crate::mvar::cases, crate::mvar::scaling),
    (crate::lstm::cases, crate::lstm::scaling),
    (crate::md::cases, crate::md::scaling),
    (crate::rom::cases, crate::rom::scaling),
    (crate::stream::cases, Vec::new),
];

/// Every case that gates, chapter by chapter.
pub fn cases() -> Vec<Case> {
    CHAPTERS.iter().flat_map(|(gates, _)| gates()).collect()
}

/// Every case that only scales: batch sizes, system sizes and single implementations.
pub fn scaling() -> Vec<Case> {
    CHAPTERS.iter().flat_map(|(_, scales)| scales()).collect()
}
