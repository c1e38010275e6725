//! The entries of one list: rows of a cluster, runs of clusters that are equally far away, clusters.

use crate::md::system::Vector;

/// The clusters that each cluster lists.
#[derive(Debug, Clone, Default)]
pub(in crate::md) struct Entries {
    /// Cluster c has the runs `first_run[c]..first_run[c + 1]`.
    pub(super) first_run: Vec<u32>,
    pub(super) runs: Vec<Run>,
    pub(super) clusters: Vec<u32>,
    /// The most clusters that a cluster lists.
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

    /// Ends the runs of a cluster.
    pub(super) fn end_rows(&mut self) {
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
        self.first_run.clone_from(&other.first_run);
        self.runs.clone_from(&other.runs);
        self.clusters.clone_from(&other.clusters);
        self.most = other.most;
    }

    /// Number of clusters.
    pub(in crate::md) fn rows(&self) -> usize {
        self.first_run.len() - 1
    }

    /// The most clusters that a cluster lists.
    pub(in crate::md) fn most(&self) -> usize {
        self.most
    }

    /// Number of entries.
    pub(in crate::md) fn len(&self) -> usize {
        self.clusters.len()
    }

    /// The runs of a cluster: shift in angstrom, and clusters. The first cluster of the first run is
    /// itself.
    #[inline(always)]
    pub(in crate::md) fn runs(&self, own: usize) -> impl Iterator<Item = (Vector, &[u32])> {
        let (from, to) = (self.first_run[own] as usize, self.first_run[own + 1] as usize);
        let mut start = self.start(from);
        self.runs[from..to].iter().map(move |run| {
            let clusters = &self.clusters[start..run.end as usize];
            start = run.end as usize;
            (run.shift, clusters)
        })
    }
}
