//! Files of several frames, one after the other.
//!
//! Frame k of a file is called "FILE, frame k" in messages, which count its lines from its own first.
//! Blank lines before a frame and at the end are skipped.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::{Error, Frame};

/// The frames of a file, read one at a time.
#[derive(Debug)]
pub struct Frames<R> {
    file: String,
    reader: R,
    /// Frames read, and the bytes of the whole ones with all between them.
    count: u64,
    end: u64,
    read: u64,
    text: Vec<u8>,
}

/// The extent of the text of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::md) enum Extent {
    /// Every line is there to its end.
    Whole,
    /// The file ends in the middle of a frame.
    Torn,
    /// The first line is no number of atoms, so that nobody knows where the frame ends.
    Unknown,
}

impl Frames<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(opened) => Ok(Self::new(file, BufReader::new(opened))),
            Err(source) => Err(Error::Read { file, source }),
        }
    }
}

impl<R: BufRead> Frames<R> {
    /// The frames that `reader` gives; `file` is its name in messages.
    pub fn new(file: String, reader: R) -> Self {
        Self { file, reader, count: 0, end: 0, read: 0, text: Vec::new() }
    }

    /// Reads the text of the next frame, if there is one.
    pub(in crate::md) fn advance(&mut self) -> Result<Option<Extent>, Error> {
        self.text.clear();
        let read = self.next_text();
        read.map_err(|source| Error::Read { file: self.file.clone(), source })
    }

    fn next_text(&mut self) -> io::Result<Option<Extent>> {
        while self.text.trim_ascii().is_empty() {
            self.text.clear();
            if !self.line()? && self.text.trim_ascii().is_empty() {
                return Ok(None);
            }
        }
        self.count += 1;
        let first = self.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.text).trim_ascii();
        let atoms = std::str::from_utf8(first).ok().and_then(|text| text.parse::<u64>().ok());
        let Some(atoms) = atoms else { return Ok(Some(Extent::Unknown)) };
        let mut is_whole = self.text.ends_with(b"\n");
        for _ in 0..=atoms {
            if !is_whole {
                break;
            }
            is_whole = self.line()?;
        }
        if is_whole {
            self.end = self.read;
        }
        Ok(Some(if is_whole { Extent::Whole } else { Extent::Torn }))
    }

    /// Reads a line; false if it does not end.
    fn line(&mut self) -> io::Result<bool> {
        let len = self.reader.read_until(b'\n', &mut self.text)?;
        self.read += len as u64;
        Ok(self.text[self.text.len() - len..].ends_with(b"\n"))
    }

    /// The text of the frame that was read last.
    pub(in crate::md) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its name in messages; that of the file where it has no frame.
    pub fn name(&self) -> String {
        match self.count {
            0 => self.file.clone(),
            count => format!("{}, frame {count}", self.file),
        }
    }

    /// The frame of that text.
    pub(in crate::md) fn frame(&self) -> Result<Frame, Error> {
        Frame::parse(&self.name(), &self.text)
    }

    /// Bytes up to the end of the last whole frame.
    pub(in crate::md) fn end(&self) -> u64 {
        self.end
    }

    /// Reads on to the last frame, and returns it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has no frame, or the last one is malformed.
    pub fn final_frame(&mut self) -> Result<Frame, Error> {
        let mut last = Vec::new();
        while self.advance()?.is_some() {
            std::mem::swap(&mut last, &mut self.text);
        }
        self.text = last;
        self.frame()
    }
}

impl<R: BufRead> Iterator for Frames<R> {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose().map(|read| read.and_then(|_| self.frame()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1\nLattice=\"5 0 0 0 5 0 0 0 5\" step=1\nSi 0 0 0\n";
    const TWO: &str = "2\nLattice=\"5 0 0 0 5 0 0 0 5\" step=2\nSi 0 0 0\nSi 1 2 3\n";

    fn frames(text: &str) -> Frames<&[u8]> {
        Frames::new("a".to_owned(), text.as_bytes())
    }

    fn extents(text: &str) -> (Vec<Extent>, u64) {
        let mut frames = frames(text);
        let mut all = Vec::new();
        while let Some(extent) = frames.advance().unwrap() {
            all.push(extent);
        }
        (all, frames.end())
    }

    #[test]
    fn frames_of_different_sizes_follow_each_other() {
        let file = format!("{ONE}\n{TWO}\n\n{ONE}  \n");
        let sizes: Vec<_> = frames(&file).map(|frame| frame.unwrap().positions.len()).collect();
        assert_eq!(sizes, [1, 2, 1], "atoms");
        assert_eq!(
            frames(&format!("{ONE}{TWO}")).final_frame().unwrap().positions.len(),
            2,
            "the last"
        );
        let open = ONE.trim_end();
        assert_eq!(frames(open).map(Result::unwrap).count(), 1, "without an end of line");
        assert_eq!(frames("").count(), 0, "no frames");
    }

    #[test]
    fn a_file_cut_anywhere_is_torn_there_and_whole_before() {
        let file = format!("{ONE}{TWO}");
        for at in 0..=file.len() {
            let (extents, end) = extents(&file[..at]);
            let (whole, want) = match at {
                _ if at == file.len() => (2, file.len()),
                _ if at >= ONE.len() => (1, ONE.len()),
                _ => (0, 0),
            };
            assert_eq!(end, want as u64, "end of {at}");
            let mut all = vec![Extent::Whole; whole];
            all.extend((at != want).then_some(Extent::Torn));
            assert_eq!(extents, all, "of {at}");
        }
    }

    #[test]
    fn errors_name_the_frame_and_count_its_lines() {
        let bad = format!("{ONE}{}", TWO.replacen("1 2 3", "1 2 x", 1));
        let why = frames(&bad).nth(1).unwrap().unwrap_err().to_string();
        assert_eq!(why, "a, frame 2, line 4: found \"x\", expected a finite number for pos");
        let more = format!("{ONE}Si 1 2 3\n");
        assert_eq!(extents(&more).0, [Extent::Whole, Extent::Unknown], "a line too many");
        let why = frames(&more).final_frame().unwrap_err().to_string();
        let want = "a, frame 2, line 1: found \"Si 1 2 3\", expected the number of atoms";
        assert!(why.starts_with(want), "{why}");
        let why = frames("18446744073709551615\nx\n").final_frame().unwrap_err().to_string();
        assert!(why.starts_with("a, frame 1, line 2: "), "{why}");
        let why = frames("\n").final_frame().unwrap_err().to_string();
        assert!(why.starts_with("a, line 1: found an empty file"), "{why}");
    }
}
