//! Memory of this process: what is resident, and what the heap is asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read as _, Seek as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are resident, and the most that were at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// Now.
    pub current_bytes: u64,
    /// The most since the process began, or since [`forget_peak`].
    pub peak_bytes: u64,
}

/// What is resident, by `/proc/self/status`.
///
/// # Errors
///
/// Says why it is not known.
pub fn resident() -> Result<Resident, String> {
    Sampler::new()?.resident()
}

const STATUS: &str = "/proc/self/status";

/// What is resident, again and again, without asking the heap for more.
#[derive(Debug)]
pub struct Sampler {
    file: File,
    text: String,
}

impl Sampler {
    /// Opens `/proc/self/status`.
    ///
    /// # Errors
    ///
    /// Says why nothing is known.
    pub fn new() -> Result<Self, String> {
        let file = File::open(STATUS).map_err(|why| format!("{STATUS}: {why}"))?;
        let mut sampler = Self { file, text: String::with_capacity(1 << 14) };
        sampler.resident()?;
        Ok(sampler)
    }

    /// What is resident now.
    ///
    /// # Errors
    ///
    /// Says why it is not known.
    pub fn resident(&mut self) -> Result<Resident, String> {
        self.text.clear();
        let read = self.file.rewind().and_then(|()| self.file.read_to_string(&mut self.text));
        read.map_err(|why| format!("{STATUS}: {why}"))?;
        let field = |name| field(&self.text, name).ok_or_else(|| format!("{STATUS}: no {name}"));
        Ok(Resident { current_bytes: field("VmRSS")?, peak_bytes: field("VmHWM")? })
    }
}

/// A field of the status in bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let (_, value) =
        status.lines().filter_map(|line| line.split_once(':')).find(|f| f.0 == name)?;
    let kilobytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(1024 * kilobytes)
}

/// Makes what is resident now the peak, where the system allows it.
pub fn forget_peak() {
    // Without the right to do so the peak is that of the whole process, which is no error.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

thread_local! {
    static ASKED_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Bytes that are held, of all threads.
static HELD_BYTES: AtomicU64 = AtomicU64::new(0);

/// The allocator of the system, which also counts the bytes that each thread asks for, and those that
/// are held; the program `stepmark` has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting;

fn count(bytes: usize) {
    // A thread that ends has no counter any more.
    let _ = ASKED_BYTES.try_with(|asked| asked.set(asked.get().wrapping_add(bytes as u64)));
    HELD_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

fn forget(bytes: usize) {
    HELD_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

// SAFETY: all memory is the system's, whose promises hold for it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        forget(layout.size());
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count(len);
        forget(layout.size());
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.realloc(at, layout, len) }
    }
}

/// Bytes that `run` asks the heap for.
///
/// # Errors
///
/// If the allocator of this program does not count.
pub fn asked(run: impl FnOnce()) -> Result<u64, String> {
    counts()?;
    let now = || ASKED_BYTES.with(Cell::get);
    let before = now();
    run();
    Ok(now().wrapping_sub(before))
}

/// Bytes that the heap holds for this program, of all threads.
///
/// # Errors
///
/// If the allocator of this program does not count.
pub fn held_bytes() -> Result<u64, String> {
    counts()?;
    Ok(HELD_BYTES.load(Ordering::Relaxed))
}

/// Requires that the allocator of this program counts.
fn counts() -> Result<(), String> {
    let now = || ASKED_BYTES.with(Cell::get);
    let before = now();
    drop(black_box(Box::new(0_u64)));
    if now() == before {
        return Err("the allocator of this program does not count, as that of stepmark does".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t 7 kB\n";
        assert_eq!(field(status, "VmRSS"), Some(1 << 20), "now");
        assert_eq!((field(status, "Rss"), field(status, "Name")), (None, None), "others");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_at_least_what_is_resident() {
        let block = vec![1_u8; 32 << 20];
        let got = resident().unwrap();
        assert!(got.peak_bytes >= got.current_bytes, "{got:?}");
        assert!(got.current_bytes > 32 << 20, "{got:?}");
        drop(black_box(block));
    }

    #[test]
    fn an_allocator_that_does_not_count_is_told() {
        // The tests run on the allocator of the system.
        assert!(asked(|| {}).unwrap_err().contains("does not count"), "the system's");
        assert!(held_bytes().unwrap_err().contains("does not count"), "the system's");
        let layout = Layout::new::<[u64; 4]>();
        let before = ASKED_BYTES.with(Cell::get);
        // SAFETY: the size is not 0.
        let at = unsafe { Counting.alloc(layout) };
        assert_eq!(ASKED_BYTES.with(Cell::get) - before, 32, "bytes");
        assert_eq!(HELD_BYTES.load(Ordering::Relaxed), 32, "held");
        // SAFETY: it was allocated with this layout, and the new size is not 0.
        let at = unsafe { Counting.realloc(at, layout, 40) };
        assert_eq!(HELD_BYTES.load(Ordering::Relaxed), 40, "held");
        // SAFETY: it was allocated with this size.
        unsafe { Counting.dealloc(at, Layout::from_size_align(40, 8).unwrap()) };
        assert_eq!(HELD_BYTES.load(Ordering::Relaxed), 0, "held");
    }
}
