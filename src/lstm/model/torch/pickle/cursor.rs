//! Bytes that are taken one after the other.

use super::refuse;

/// Where the next byte is.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let Some(bytes) = self.bytes[self.at..].get(..len) else {
            return refuse("found its end, expected more bytes");
        };
        self.at += len;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, len: usize) -> Result<(), String> {
        self.take(len).map(drop)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        Ok(*bytes.first_chunk().expect("as many as asked for"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn unsigned(&mut self, width: usize) -> Result<usize, String> {
        let bytes = self.take(width)?;
        let value = bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        usize::try_from(value).map_err(|_| "found a length that no memory holds".to_owned())
    }

    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let Some(len) = rest.iter().position(|byte| *byte == b'\n') else {
            return refuse("found its end, expected a name");
        };
        self.at += len + 1;
        str::from_utf8(&rest[..len]).map_err(|_| "found a name that is not UTF-8".to_owned())
    }
}
