//! Single arrays (`.npy`), read with the guards of an archive.

use std::fs;
use std::path::Path;

use ndarray::{Array, ArrayView, Dimension};
use ndarray_npy::WriteNpyExt as _;

use super::{Element, Error, FREE_BYTES, MOST_PER_BYTE, parse, unpack};
use crate::file::{self, is_lfs_pointer};

/// How errors name the array, which has no name.
const ARRAY: &str = "(the file)";

/// Reads a file of one array of `f64`, in C order.
///
/// # Errors
///
/// If the file cannot be read, or is damaged, of another type or dimension, or holds NaN or infinity.
pub fn load_npy<A: Element, D: Dimension>(path: &Path) -> Result<Array<A, D>, Error> {
    let file = path.display().to_string();
    let bytes = match fs::read(path) {
        Ok(bytes) if is_lfs_pointer(&bytes) => return Err(Error::Pointer { file }),
        Ok(bytes) => bytes,
        Err(source) => return Err(Error::Io { file, source }),
    };
    let most = FREE_BYTES.max(bytes.len().saturating_mul(MOST_PER_BYTE));
    match unpack(&mut bytes.as_slice(), &A::DTYPES, most) {
        Ok((header, bytes)) => parse(&file, ARRAY, &header, &bytes),
        Err([found, expected]) => {
            Err(Error::Array { file, array: ARRAY.to_owned(), found, expected })
        }
    }
}

/// Writes a file of one array, which replaces `path` once it is whole.
///
/// # Errors
///
/// If it holds NaN or infinity, or the file cannot be written.
pub fn save_npy<A: Element, D: Dimension>(
    path: &Path,
    values: ArrayView<'_, A, D>,
) -> Result<(), Error> {
    let (file, array) = (path.display().to_string(), ARRAY.to_owned());
    if !values.iter().all(|v| v.is_finite()) {
        let (found, expected) = ("NaN or infinity".to_owned(), "finite numbers".to_owned());
        return Err(Error::Array { file, array, found, expected });
    }
    let mut bytes = Vec::new();
    match values.write_npy(&mut bytes) {
        Ok(()) => file::replace(path, &bytes).map_err(|source| Error::Io { file, source }),
        Err(source) => Err(Error::Write { file, array, source: source.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};

    #[test]
    fn an_array_comes_back_and_what_is_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mean.npy");
        let values = array![[1.5, -2.0, 0.0], [1e300, 3.0, 4.0]];
        save_npy(&path, values.view()).unwrap();
        assert_eq!(load_npy::<f64, _>(&path).unwrap(), values, "as it was");
        let refused = |words: &str, found: Result<Array1<f64>, Error>| {
            let why = found.unwrap_err().to_string();
            assert!(why.contains("mean.npy") && why.contains(words), "{why}");
        };
        refused("expected 1-D", load_npy(&path));
        let why = load_npy::<i64, ndarray::Ix2>(&path).unwrap_err().to_string();
        assert!(why.contains("found type <f8, expected <i8"), "{why}");
        assert!(save_npy(&path, array![f64::NAN].view()).is_err(), "NaN");
        let whole = fs::read(&path).unwrap();
        for cut in [0, 5, 9, 40, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            let found: Result<Array2<f64>, _> = load_npy(&path);
            assert!(found.is_err(), "cut at {cut}");
        }
        fs::write(&path, [whole, vec![0; 3]].concat()).unwrap();
        refused("bytes of data", load_npy(&path));
        refused("cannot", load_npy(&path.with_file_name("cannot-mean.npy")));
    }
}
