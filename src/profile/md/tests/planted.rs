//! A potential with a fault that is put in on purpose.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::md::neighbours::List;
use crate::md::system::{Atoms, Cell as Box_, Error, Vector};
use crate::md::{Forces, NeighbourList, Potential, StillingerWeber};

/// The fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// Every evaluation takes this much longer, asleep.
    Sleeps(Duration),
    /// One evaluation in fifty takes as much as this many.
    Tail(u32),
    /// Every evaluation keeps this many bytes.
    Leak(usize),
    /// Every update of the list takes this much longer.
    SlowList(Duration),
    /// Forces are the definition's times this.
    Wrong(f64),
}

/// Stillinger-Weber silicon, and a fault.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    pub(super) fault: Fault,
    /// Evaluations so far.
    pub(super) calls: Rc<Cell<u32>>,
    inner: StillingerWeber,
}

impl Planted {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, calls: Rc::default(), inner: StillingerWeber::SILICON }
    }
}

/// Keeps the processor busy.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A list that may take longer.
#[derive(Debug, Clone)]
pub(super) struct Slow {
    inner: NeighbourList,
    longer: Duration,
}

impl List for Slow {
    fn new(cell: &Box_, x: &[Vector], cutoff: f64, skin: f64) -> Result<Self, Error> {
        Ok(Self { inner: NeighbourList::new(cell, x, cutoff, skin)?, longer: Duration::ZERO })
    }

    fn update(&mut self, positions: &[Vector]) -> bool {
        spin(self.longer);
        self.inner.update(positions)
    }

    fn copy_from(&mut self, other: &Self) {
        self.inner.copy_from(&other.inner);
    }

    fn builds(&self) -> u64 {
        self.inner.builds()
    }

    fn dangerous_builds(&self) -> u64 {
        self.inner.dangerous_builds()
    }
}

impl Potential for Planted {
    type List = Slow;
    type Scratch = <StillingerWeber as Potential>::Scratch;

    fn cutoff(&self) -> f64 {
        self.inner.cutoff()
    }

    fn list(&self, cell: &Box_, x: &[Vector], skin: f64) -> Result<Slow, Error> {
        let longer = match self.fault {
            Fault::SlowList(longer) => longer,
            _ => Duration::ZERO,
        };
        Ok(Slow { longer, ..Slow::new(cell, x, self.inner.cutoff(), skin)? })
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &Slow,
        scratch: &mut Self::Scratch,
        out: &mut Forces,
    ) {
        self.calls.set(self.calls.get() + 1);
        let start = Instant::now();
        self.inner.compute(atoms, &list.inner, scratch, out);
        match self.fault {
            Fault::Sleeps(time) => std::thread::sleep(time),
            Fault::Tail(many) if self.calls.get().is_multiple_of(50) => {
                spin((many - 1) * start.elapsed());
            }
            Fault::Leak(bytes) => {
                std::mem::forget(std::hint::black_box(vec![1_u8; bytes]));
            }
            Fault::Wrong(factor) => out.forces.iter_mut().flatten().for_each(|f| *f *= factor),
            Fault::None | Fault::Tail(_) | Fault::SlowList(_) => {}
        }
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        self.inner.reference(atoms)
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        self.inner.bound(atoms)
    }
}
