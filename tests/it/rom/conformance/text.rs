//! Strings in archives, which `NumPy` saves as one number of 32 bits for each character.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zip::ZipArchive;

/// The string that is an array of an archive.
pub(super) fn text(path: &Path, array: &str) -> Result<String, String> {
    let broken = |why: String| format!("{}: array `{array}`: {why}", path.display());
    let file = File::open(path).map_err(|e| broken(e.to_string()))?;
    let mut zip = ZipArchive::new(file).map_err(|e| broken(e.to_string()))?;
    let mut entry = zip.by_name(&format!("{array}.npy")).map_err(|e| broken(e.to_string()))?;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|e| broken(e.to_string()))?;
    // Magic, version 1 and the length of the header.
    let head = bytes.get(8..10).map(|len| 10 + usize::from(u16::from_le_bytes([len[0], len[1]])));
    let Some((head, data)) = head.and_then(|at| bytes.split_at_checked(at)) else {
        return Err(broken("it has no header".to_owned()));
    };
    if !String::from_utf8_lossy(head).contains("'<U") {
        return Err(broken("it is no string".to_owned()));
    }
    let numbers = data.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    let text: Option<String> = numbers.take_while(|n| *n != 0).map(char::from_u32).collect();
    text.ok_or_else(|| broken("it holds what is no character".to_owned()))
}
