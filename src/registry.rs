//! The one list of cases.

use crate::case::Case;
use crate::{lattice, lstm, md, mvar, stream};

/// Every case, chapter by chapter.
pub fn cases() -> Vec<Case> {
    [lattice::cases(), mvar::cases(), lstm::cases(), md::cases(), stream::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Every case on a GPU.
#[cfg(feature = "cuda")]
pub fn gpu_cases() -> Vec<crate::gpu::Case> {
    lattice::cuda::cases()
}

/// The ids of every case on a GPU, also where there is none; without the feature `cuda`, no id.
pub fn gpu_ids() -> Vec<String> {
    #[cfg(feature = "cuda")]
    let ids = gpu_cases().into_iter().map(|case| case.id).collect();
    #[cfg(not(feature = "cuda"))]
    let ids = Vec::new();
    ids
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case;

    #[test]
    fn every_case_is_right() {
        for case in cases() {
            if let Err(err) = case.checked() {
                panic!("{}: {err}", case.id);
            }
        }
    }

    #[test]
    fn ids_are_three_plain_parts_short_and_unique_those_on_a_gpu_included() {
        let cases = cases();
        for Case { id, work, .. } in &cases {
            assert!(work.units > 0 && !work.unit.is_empty(), "{id}: {work:?}");
        }
        assert!(cases.len() <= 100, "{} cases: `cargo bench` would take too long", cases.len());
        let mut ids = gpu_ids();
        assert!(ids.iter().all(|id| id.contains("-cuda")), "{ids:?}");
        ids.extend(cases.into_iter().map(|case| case.id));
        assert_eq!(case::flaw(ids.iter().map(String::as_str)), None, "all of them");
    }

    #[test]
    fn a_chapter_is_one_run_of_cases() {
        let cases = cases();
        let runs = cases.chunk_by(|a, b| a.chapter() == b.chapter()).count();
        let chapters: BTreeSet<&str> = cases.iter().map(Case::chapter).collect();
        assert_eq!(runs, chapters.len(), "benches/wall.rs makes one group of a run");
    }

    #[test]
    fn the_instruction_bench_has_the_same_list() {
        let counted = cases().into_iter().filter(|case| !case.timed_only);
        let list: String = counted.map(|case| case.id + "\n").collect();
        let file = include_str!("../benches/cases.txt");
        assert!(list == file, "run `cargo run -- list --cpu > benches/cases.txt`");
    }
}
