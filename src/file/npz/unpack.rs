//! One member of an archive: a `.npy` file, whose claims are checked before they are believed.

use std::io::{self, Read};

use ndarray_npy::npy::header::Header;

use super::{Element as _, WHOLE, dtype, first_line};

/// The longest `.npy` header accepted; `NumPy` writes 118 bytes for any plain array.
const MAX_HEADER_BYTES: usize = 4096;

/// Puts blanks for the `L` of the long integers of Python 2 in a header.
fn modernise(header: &mut [u8]) {
    let at = header.windows(5).position(|word| word == b"shape").unwrap_or(header.len());
    let shape = &mut header[at..];
    for k in 1..shape.len() {
        if shape[k] == b'L' && shape[k - 1].is_ascii_digit() {
            shape[k] = b' ';
        }
    }
}

/// Unpacks a `.npy` file of one of the types accepted, and no more of it than its header asks for,
/// nor than `most` bytes of data; an error is what was found and what was expected.
pub(super) fn unpack(
    entry: &mut impl Read,
    accepted: &[&str],
    most: usize,
) -> Result<(Header, Vec<u8>), [String; 2]> {
    let short = || ["the end of the member".to_owned(), "a whole array".to_owned()];
    let damaged = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => short(),
        _ => [e.to_string(), "a whole array".to_owned()],
    };
    let mut start = [0; 10];
    entry.read_exact(&mut start).map_err(damaged)?;
    let mut bytes = start.to_vec();
    let mut len = usize::from(start[8]) | usize::from(start[9]) << 8;
    if start[6] > 1 {
        let mut high = [0; 2];
        entry.read_exact(&mut high).map_err(damaged)?;
        bytes.extend(high);
        len |= usize::from(high[0]) << 16 | usize::from(high[1]) << 24;
    }
    if len > MAX_HEADER_BYTES {
        return Err([format!("a header of {len} bytes"), format!("{MAX_HEADER_BYTES} at most")]);
    }
    if entry.take(len as u64).read_to_end(&mut bytes).map_err(damaged)? < len {
        return Err(short());
    }
    modernise(&mut bytes);
    // A dictionary that holds a tuple. Deeper nesting is another type, or an attack on the stack
    // of the recursive parser.
    if bytes.iter().filter(|b| b"([{".contains(b)).count() > 2 {
        return Err(["a nested header".to_owned(), "an array of plain numbers".to_owned()]);
    }
    let header = Header::from_reader(&mut bytes.as_slice())
        .map_err(|e| [first_line(&e), "the header of an array".to_owned()])?;

    let kind = dtype(&header);
    let Some(item) = item_len(kind).filter(|_| accepted.contains(&kind)) else {
        return Err([format!("type {kind}"), accepted.join(" or ")]);
    };
    let claimed = header.shape.iter().try_fold(item, |n: usize, &dim| n.checked_mul(dim));
    // `ndarray` wants the other lengths to be addressable even where one of them is zero.
    let addressable =
        header.shape.iter().try_fold(item, |n: usize, &dim| n.checked_mul(dim.max(1)));
    let (Some(claimed), Some(_)) = (claimed, addressable.filter(|bytes| *bytes <= most)) else {
        let found = format!("shape {:?}", header.shape);
        return Err([found, format!("at most {most} bytes")]);
    };
    let start = bytes.len();
    // One byte more than claimed: reads past the end, which also verifies the entry's checksum.
    entry.take(claimed as u64 + 1).read_to_end(&mut bytes).map_err(damaged)?;
    let real = bytes.len() - start;
    if real != claimed {
        let found =
            format!("{}{real} bytes of data", if real > claimed { "at least " } else { "" });
        let expected = format!("{claimed} for {} of shape {:?}", dtype(&header), header.shape);
        return Err([found, expected]);
    }
    Ok((header, bytes))
}

/// The bytes of a number of a type that some array may have.
pub(super) fn item_len(dtype: &str) -> Option<usize> {
    let known = WHOLE.into_iter().chain(f32::DTYPES).chain(f64::DTYPES);
    known.into_iter().find(|known| *known == dtype)?.get(2..)?.parse().ok()
}
