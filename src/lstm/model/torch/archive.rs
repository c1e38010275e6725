//! The entries of an archive, each of which must fit the file.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use zip::{CompressionMethod, ZipArchive};

use super::super::{Error, wrong};
use super::pickle::{self, Pickle};
use crate::file::npz;

/// The longest pickle accepted; that of four layers has 2 kB.
const MAX_PICKLE_BYTES: u64 = 1 << 20;

/// An archive of torch in memory.
pub(super) struct Archive<'a> {
    pub(super) file: &'a str,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that all entries lie in.
    root: String,
    storages: BTreeMap<String, Vec<u8>>,
    /// Bytes of storages that may still be read: no more than the file has.
    left: u64,
}

impl<'a> Archive<'a> {
    pub(super) fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|source| Error::Zip { file: file.to_owned(), source })?;
        let roots: Vec<_> =
            zip.file_names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
        let [root] = roots[..] else {
            let found = if roots.is_empty() { "none" } else { "several" };
            return Err(wrong(
                file,
                "data.pkl",
                found.to_owned(),
                "one, as by torch.save".to_owned(),
            ));
        };
        let (root, left) = (root.to_owned(), bytes.len() as u64);
        Ok(Self { file, zip, root, storages: BTreeMap::new(), left })
    }

    /// The bytes of an entry of at most `most`; none where there is no such entry.
    fn entry(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let file = self.file;
        let Some(index) = self.zip.index_for_name(&format!("{}/{name}", self.root)) else {
            return Ok(None);
        };
        let zip = |source| Error::Zip { file: file.to_owned(), source };
        let entry = self.zip.by_index_raw(index).map_err(zip)?;
        let (len, method, is_encrypted) = (entry.size(), entry.compression(), entry.encrypted());
        drop(entry);
        if is_encrypted || method != CompressionMethod::STORE {
            let expected = "one stored as it is".to_owned();
            return Err(wrong(file, name, npz::packing(method, is_encrypted), expected));
        }
        if len > most {
            return Err(wrong(file, name, format!("{len} bytes"), format!("at most {most}")));
        }
        let entry = self.zip.by_index(index).map_err(zip)?;
        let mut bytes = Vec::new();
        let read = entry.take(most).read_to_end(&mut bytes);
        read.map_err(|source| Error::Io { file: file.to_owned(), source })?;
        Ok(Some(bytes))
    }

    pub(super) fn pickle(&mut self) -> Result<Pickle, Error> {
        if let Some(order) = self.entry("byteorder", 16)?
            && order != b"little"
        {
            let found = String::from_utf8_lossy(&order).into_owned();
            return Err(wrong(self.file, "byteorder", found, "little".to_owned()));
        }
        let bytes = self.entry("data.pkl", MAX_PICKLE_BYTES)?.unwrap_or_default();
        pickle::read(&bytes).map_err(|source| Error::Pickle { file: self.file.to_owned(), source })
    }

    /// The bytes of a storage, which stay here.
    pub(super) fn storage(&mut self, key: &str) -> Result<Option<&[u8]>, Error> {
        if !self.storages.contains_key(key) {
            let Some(bytes) = self.entry(&format!("data/{key}"), self.left)? else {
                return Ok(None);
            };
            self.left -= bytes.len() as u64;
            self.storages.insert(key.to_owned(), bytes);
        }
        Ok(self.storages.get(key).map(Vec::as_slice))
    }

    /// A storage that was read before.
    pub(super) fn held(&self, key: &str) -> &[u8] {
        self.storages.get(key).map_or(&[], Vec::as_slice)
    }
}
