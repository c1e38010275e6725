//! The entries of one list: parts of clusters, runs of clusters that are equally far away, clusters.

use crate::md::lanes::CLUSTER;
use crate::md::system::Vector;

/// The clusters that each part of a cluster lists: all of its rows, or some.
#[derive(Debug, Clone, Default)]
pub(in crate::md) struct Entries {
    /// Rows of a part.
    pub(super) rows: usize,
    /// Part p has the runs `first_run[p]..first_run[p + 1]`.
    pub(super) first_run: Vec<u32>,
    pub(super) runs: Vec<Run>,
    pub(super) clusters: Vec<u32>,
    /// The most clusters that a part lists.
    most: usize,
}

/// Clusters that are equally many cells away. They start where those of the run before end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) offset: [i32; 3],
    pub(super) shift: Vector,
    pub(super) end: u32,
}

impl Entries {
    /// Starts anew, for parts of so many rows.
    pub(super) fn start_parts(&mut self, rows: usize) {
        self.rows = rows;
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.first_run.clear();
        self.first_run.push(0);
        self.runs.clear();
        self.clusters.clear();
        self.most = 0;
    }

    fn end(&self) -> u32 {
        u32::try_from(self.clusters.len()).expect("at most 2^32 pairs of clusters")
    }

    /// Ends a run of the entries since the one before; none if there are none.
    pub(super) fn end_run(&mut self, offset: [i32; 3], shift: Vector) {
        let end = self.end();
        if self.runs.last().map_or(0, |run| run.end) < end {
            self.runs.push(Run { offset, shift, end });
        }
    }

    /// Ends the runs of a part.
    pub(super) fn end_part(&mut self) {
        let runs = u32::try_from(self.runs.len()).expect("at most 2^32 pairs of clusters");
        let before = self.first_run.last().map_or(0, |&run| self.start(run as usize));
        self.most = self.most.max(self.clusters.len() - before);
        self.first_run.push(runs);
    }

    /// Where the entries of a run start.
    pub(super) fn start(&self, run: usize) -> usize {
        if run == 0 { 0 } else { self.runs[run - 1].end as usize }
    }

    pub(super) fn reserve_a_quarter(&mut self) {
        self.runs.reserve(self.runs.len() / 4 + 8);
        self.clusters.reserve(self.clusters.len() / 4 + 64);
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.rows = other.rows;
        self.first_run.clone_from(&other.first_run);
        self.runs.clone_from(&other.runs);
        self.clusters.clone_from(&other.clusters);
        self.most = other.most;
    }

    /// Number of parts.
    pub(super) fn parts(&self) -> usize {
        self.first_run.len() - 1
    }

    /// Pairs of atoms, each row of an entry with each place of its cluster.
    pub(in crate::md) fn pairs(&self) -> usize {
        self.clusters.len() * self.rows * CLUSTER
    }

    /// The most clusters that a part lists.
    pub(in crate::md) fn most(&self) -> usize {
        self.most
    }

    /// The runs of a part: shift in angstrom, and clusters. The first cluster of the first run is its
    /// own.
    #[inline(always)]
    pub(in crate::md) fn runs(&self, part: usize) -> impl Iterator<Item = (Vector, &[u32])> {
        let (from, to) = (self.first_run[part] as usize, self.first_run[part + 1] as usize);
        let mut start = self.start(from);
        self.runs[from..to].iter().map(move |run| {
            let clusters = &self.clusters[start..run.end as usize];
            start = run.end as usize;
            (run.shift, clusters)
        })
    }
}
