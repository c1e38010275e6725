//! Readers of files allocate no more than the files account for. What else counts blocks uses the allocator of here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Cursor, Write as _};

use stepmark::lstm::Model;
use stepmark::lstm::model::Options;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The system's allocator, counting the blocks of each thread and the bytes that it holds.
struct Counting;

thread_local! {
    static BLOCKS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: both hand their arguments to `System` unchanged; what is left out goes through them.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.set(BLOCKS.get() + 1);
        HELD.set(HELD.get() + layout.size().cast_signed());
        MOST.set(MOST.get().max(HELD.get()));
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size().cast_signed());
        // SAFETY: `block` came from `System` by way of `alloc` with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Blocks that a call asks for.
pub(crate) fn blocks(f: impl FnOnce()) -> u64 {
    let before = BLOCKS.get();
    f();
    BLOCKS.get() - before
}

/// The most bytes that a call holds at a time.
fn most_bytes(f: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    f();
    (MOST.get() - before).unsigned_abs()
}

/// A state dictionary of `names` names of one tensor of `len` floats, as `torch.save` writes one.
fn shared(names: usize, len: u32) -> Vec<u8> {
    let text = |text: &str| [&[0x8c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let number = |n: u32| [b"J", &n.to_le_bytes()[..]].concat();
    let tensor = [
        &b"ctorch._utils\n_rebuild_tensor_v2\n(("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        &number(len),
        b"tQK\x00",
        &number(len),
        b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRq\x00",
    ];
    let mut pickle = [&b"\x80\x02}("[..], &text("name"), &tensor.concat()].concat();
    (1..names)
        .for_each(|k| pickle.extend([text(&format!("name {k}")), b"h\x00".to_vec()].concat()));
    pickle.extend(b"u.");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("data.pkl", pickle), ("data/0", vec![0; 4 * len as usize])] {
        zip.start_file(format!("any/{name}"), options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn names_that_share_a_tensor_take_no_memory_of_their_own() {
    let file = shared(200, 1 << 18);
    let mut why = String::new();
    let most = most_bytes(|| {
        let found = Model::from_bytes("m.pt", &file, &Options::default());
        why = found.unwrap_err().to_string();
    });
    assert!(why.contains("found numbers that are also of `name`, expected its own"), "{why}");
    assert!(most > file.len() && most < 4 * file.len(), "{most} bytes for {}", file.len());
}
