//! Instructions, cache misses and heap use of one step of every CPU case, by Callgrind.
//!
//! Repeatable to the instruction for one compiler, libc and Valgrind, so this gates on shared CI
//! runners too. Callgrind wants its benchmarks at compile time: they are the lines of `cases.txt`,
//! which a test in `registry` keeps equal to the list. Valgrind has no AVX-512, so these are the
//! counts of the AVX2 path. Another crate copies this file and changes the line of its list.

#![expect(missing_docs, unused_qualifications, reason = "so do the macros below expand")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::env;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

// The list. In a crate of your own, the only line to change: `use my_kernels::cases;`.
use stepmark::registry::cases;

use iai_callgrind::{LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use stepmark::case::Step;
use stepmark::collect::callgrind::IAI_CALLGRIND;
use stepmark::machine::{self, workspace};
use stepmark::run::{self, Digests, Run, Warm};

/// Compiled in, so that a changed list builds this bench anew.
const CASES: &str = include_str!("cases.txt");

/// The system's allocator, counting.
struct Counting;

static BLOCKS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

// SAFETY: every method hands its arguments to `System` unchanged and returns what it returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: `block` came from `System` by way of `alloc`; the rest is the caller's contract.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` by way of `alloc` with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

fn count(size: usize) {
    BLOCKS.fetch_add(1, Relaxed);
    BYTES.fetch_add(size as u64, Relaxed);
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Blocks and bytes that `f` allocates.
fn heap(f: impl FnOnce()) -> (u64, u64) {
    let before = (BLOCKS.load(Relaxed), BYTES.load(Relaxed));
    f();
    (BLOCKS.load(Relaxed) - before.0, BYTES.load(Relaxed) - before.1)
}

const TARGET: &str = "CARGO_TARGET_DIR";
const INSTRUMENT: &str = "instructions";

fn target() -> PathBuf {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp").to_owned();
    env::var_os(TARGET).map_or_else(built, |_| workspace::target())
}

/// Marks the start of the run of each chapter and checks every case; runs once, outside Valgrind.
fn begin() {
    let source = workspace::built_from().unwrap_or_else(|err| panic!("{err}"));
    let run = Run::begin(source, machine::instructions(IAI_CALLGRIND));
    // Under Valgrind an oracle takes minutes.
    let mut digests = BTreeMap::<String, Digests>::new();
    for case in cases().iter().filter(|case| CASES.lines().any(|id| case.id == id)) {
        match case.checked() {
            Ok((_, digest)) => {
                let chapter = digests.entry(case.chapter().to_owned()).or_default();
                chapter.insert(case.id.clone(), digest);
            }
            Err(err) => panic!("{} is wrong: {err}", case.id),
        }
    }
    for (chapter, digests) in &digests {
        run.open(&target(), INSTRUMENT, chapter, digests).expect("target/stepmark is writable");
    }
}

/// Checks that the case is right also here, counts its heap use, and leaves it warm; runs under Valgrind, uncounted.
fn warm(id: String) -> (Box<dyn Step>, u64) {
    let cases = cases();
    let case = cases.iter().find(|case| case.id == id);
    let case = case.unwrap_or_else(|| panic!("`{id}` is not in the list"));
    let digests = run::read_digests(&target(), INSTRUMENT, case.chapter());
    let digests = digests.expect("`begin` wrote it");
    let checked = case.checked_skipping_oracle(digests.get(&id).copied());
    let (mut step, digest) = checked.unwrap_or_else(|err| panic!("{id} is wrong: {err}"));
    let (heap_blocks, heap_bytes) = heap(|| step.run());
    let (control_blocks, _) = heap(|| drop(black_box(Box::new(1_u64))));
    assert_eq!(control_blocks, 1, "the heap counter is blind");

    // iai-callgrind says which benchmark this is: `--iai-run <group> 0 <position> <name>`.
    let position = env::args().nth(4).and_then(|position| position.parse().ok());
    let warm = Warm {
        id,
        position: position.expect("a position"),
        package: env!("CARGO_PKG_NAME").to_owned(),
        implementation: case.implementation.to_owned(),
        dispatch: machine::dispatch_bits(),
        heap_blocks,
        heap_bytes,
        control_blocks,
    };
    run::write(&target(), INSTRUMENT, &case.id, &warm).expect("target/stepmark is writable");
    step.spoil();
    (step, digest)
}

/// After the count: the counted run must have left the checked bits.
fn verify((step, digest): (Box<dyn Step>, u64)) {
    assert_eq!(step.digest(), digest, "the counted run left other bits");
}

// Returning the step keeps the release of its buffers out of the count.
#[library_benchmark]
#[benches::case(file = "benches/cases.txt", setup = warm, teardown = verify)]
fn step((mut step, digest): (Box<dyn Step>, u64)) -> (Box<dyn Step>, u64) {
    step.run();
    (step, digest)
}

/// Without glibc's caches of freed blocks: maps with random hashing free in a random order, and
/// the address of a later buffer, so its cache misses, must not depend on that.
fn config() -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    // The runner clears the environment.
    if let Some(target) = env::var_os(TARGET) {
        config.env(TARGET, target);
    }
    config.env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0");
    config
}

library_benchmark_group!(name = instructions; benchmarks = step);
main!(config = config(); setup = begin(); library_benchmark_groups = instructions);
