//! Feeds the reader mutated files for a long time.

use std::env;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::lstm::train::Generator;

/// The names and bytes of an archive.
fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut entries = Vec::new();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.push((entry.name().to_owned(), bytes));
    }
    entries
}

fn whole(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Changes some bytes: one, a number of several, a piece left out, moved, doubled or cut off.
fn mutate(bytes: &mut Vec<u8>, generator: &mut Generator) {
    const CODES: &[u8] =
        b"().012qrhjNKMJGXCB}]taeuscQRb\x80\x85\x86\x87\x88\x89\x8a\x8c\x8d\x93\x94\x95";
    const NUMBERS: [u64; 8] =
        [0, 1, 0x7f, 0xff, 0xffff_ffff, 1 << 31, u64::MAX, i64::MAX.cast_unsigned()];
    for _ in 0..=generator.bits() % 4 {
        if bytes.is_empty() {
            return;
        }
        let mut below = |n: usize| generator.bits() as usize % n;
        let (at, len) = (below(bytes.len()), below(24));
        let end = (at + len).min(bytes.len());
        match below(8) {
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes[at] = CODES[below(CODES.len())],
            2 => bytes.insert(at, CODES[below(CODES.len())]),
            3 => {
                let number = NUMBERS[below(8)].to_le_bytes();
                let end = (at + [1, 2, 4, 8][below(4)]).min(bytes.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes[at..end].to_vec();
                let to = below(bytes.len());
                bytes.splice(to..to, piece);
            }
            6 => {
                let piece = bytes[at..end].to_vec();
                let to = below(bytes.len());
                let end = (to + piece.len()).min(bytes.len());
                let len = end - to;
                bytes[to..end].copy_from_slice(&piece[..len]);
            }
            _ if below(4) == 0 => bytes.truncate(at),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
}

/// Processor time of this thread.
fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// `STEPMARK_FUZZ_SECONDS` says for how much processor time, else ten minutes; files of `torch.save` among
/// `STEPMARK_FUZZ_FILES`, parted by colons, are mutated too.
#[test]
#[ignore = "takes ten minutes"]
fn mutated_files_are_refused_or_read_within_a_moment() {
    let seconds = env::var("STEPMARK_FUZZ_SECONDS").map_or(600, |text| text.parse().unwrap());
    let mut files =
        vec![to_bytes(&model(true, true)).unwrap(), to_bytes(&model(false, false)).unwrap()];
    if let Some(paths) = env::var_os("STEPMARK_FUZZ_FILES") {
        files.extend(env::split_paths(&paths).map(|path| fs::read(path).unwrap()));
    }
    let seeds: Vec<_> = files.iter().map(|file| entries(file)).collect();
    let (start, mut generator) = (spent(), Generator::new(17));
    let (mut tried, mut loaded, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while spent() - start < Duration::from_secs(seconds) {
        let seed = generator.bits() as usize % seeds.len();
        let bytes = if generator.bits().is_multiple_of(8) {
            let mut bytes = files[seed].clone();
            mutate(&mut bytes, &mut generator);
            bytes
        } else {
            // Whole again, so that no checksum refuses it before the reader does.
            let mut entries = seeds[seed].clone();
            let is_pickle = |(name, _): &(String, Vec<u8>)| name.ends_with("data.pkl");
            let pickle = entries.iter().position(is_pickle).unwrap();
            let count = entries.len();
            let other = generator.bits() as usize % (4 * count);
            mutate(&mut entries[if other < count { other } else { pickle }].1, &mut generator);
            whole(&entries)
        };
        let now = spent();
        let found = Model::from_bytes("m.pt", &bytes, &Options::default());
        slowest = slowest.max(spent() - now);
        tried += 1;
        if let Ok(model) = found {
            loaded += 1;
            let numbers = model.net().d() * model.net().units();
            assert!(4 * numbers <= bytes.len(), "no more numbers than the file has");
        }
    }
    println!(
        "{:?} of processor time: {tried} files, of which {loaded} are models; the slowest took {slowest:?}",
        spent() - start
    );
    assert!(tried > 1000 && loaded > 0 && loaded < tried, "both ends are reached");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}
