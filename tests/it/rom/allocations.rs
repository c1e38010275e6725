//! Steps of the models allocate nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stepmark::registry::{cases, scaling};

/// The system's allocator, counting the blocks of each thread.
struct Counting;

thread_local! {
    static BLOCKS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: both hand their arguments to `System` unchanged; what is left out goes through them.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.set(BLOCKS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` by way of `alloc` with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn blocks(f: impl FnOnce()) -> u64 {
    let before = BLOCKS.get();
    f();
    BLOCKS.get() - before
}

#[test]
fn a_step_of_a_model_allocates_nothing() {
    assert_eq!(blocks(|| drop(std::hint::black_box(Box::new(1)))), 1, "the counter is blind");
    let kernels = ["cell", "step", "forecast", "rollout", "batch"];
    let is_step = |id: &str| {
        let kernel = id.strip_prefix("mvar/").or_else(|| id.strip_prefix("lstm/"));
        kernel.is_some_and(|kernel| kernels.iter().any(|name| kernel.starts_with(name)))
    };
    let mut tried = 0;
    for case in cases().into_iter().chain(scaling()).filter(|case| is_step(&case.id)) {
        let (mut step, _) = case.checked_skipping_oracle(None).unwrap();
        let counts = [blocks(|| step.run()), blocks(|| step.run())];
        assert_eq!(counts, [0, 0], "{}, two warm steps", case.id);
        tried += 1;
    }
    assert!(tried >= 20, "only {tried} cases");
}
