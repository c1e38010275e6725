//! Memory of this process: what is resident, and what the heap is asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::hint::black_box;

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
    const STATUS: &str = "/proc/self/status";
    let text = fs::read_to_string(STATUS).map_err(|why| format!("{STATUS}: {why}"))?;
    let field = |name| field(&text, name).ok_or_else(|| format!("{STATUS}: no {name}"));
    Ok(Resident { current_bytes: field("VmRSS")?, peak_bytes: field("VmHWM")? })
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

/// The allocator of the system, which also counts the bytes that each thread asks for; the program
/// `stepmark` has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting;

fn count(bytes: usize) {
    // A thread that ends has no counter any more.
    let _ = ASKED_BYTES.try_with(|asked| asked.set(asked.get().wrapping_add(bytes as u64)));
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
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count(len);
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
    let now = || ASKED_BYTES.with(Cell::get);
    let before = now();
    drop(black_box(Box::new(0_u64)));
    if now() == before {
        return Err("the allocator of this program does not count, as that of stepmark does".into());
    }
    let before = now();
    run();
    Ok(now().wrapping_sub(before))
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
        let layout = Layout::new::<[u64; 4]>();
        let before = ASKED_BYTES.with(Cell::get);
        // SAFETY: the size is not 0.
        let at = unsafe { Counting.alloc(layout) };
        assert_eq!(ASKED_BYTES.with(Cell::get) - before, 32, "bytes");
        // SAFETY: it was allocated with this layout.
        unsafe { Counting.dealloc(at, layout) };
    }
}
