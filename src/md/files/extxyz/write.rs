//! The writer: a frame becomes a text that reads back as the same frame.

use std::path::Path;

use super::{Error, Frame, comment, is_symbol, parse, quote, unfit};
use crate::file;

impl Frame {
    /// Writes the file `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or as [`Frame::to_text`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let name = path.display().to_string();
        let text = self.to_text(&name)?;
        file::replace(path, text.as_bytes()).map_err(|source| Error::Write { file: name, source })
    }

    /// The contents of a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If the frame cannot be written so that it reads back the same.
    pub fn to_text(&self, file: &str) -> Result<String, Error> {
        let unfit = |found: String, expected: &str| unfit(file, found, expected);
        self.check_lengths(file)?;
        let info = self.info.clone().into_iter();
        let info: Vec<_> = self.overruled.iter().cloned().chain(info).collect();
        let mut pairs = String::new();
        for (key, value) in &info {
            pairs += &format!(" {}={}", comment::written_name(key), value.written());
        }
        let is_reserved = |key: &str| parse::TAKEN.iter().any(|k| k.eq_ignore_ascii_case(key));
        if let Some((key, _)) = info.iter().find(|(key, _)| is_reserved(key)) {
            return Err(unfit(format!("the key {key:?}"), "a key that the frame itself has not"));
        }
        if pairs.contains('\n') || comment::pairs(&pairs).as_ref() != Ok(&info) {
            return Err(unfit(
                format!("the pairs {}", quote(&pairs)),
                "values that read back, as arrays in whole brackets",
            ));
        }
        if let Some(symbol) = self.species.iter().find(|s| !is_symbol(s)) {
            return Err(unfit(format!("the species {symbol:?}"), "one to three letters"));
        }
        let numbers: Vec<_> = self.cell.rows().iter().flatten().map(f64::to_string).collect();
        let properties = comment::written_name(&self.properties());
        let pbc = self.flags();
        let (n, lattice) = (self.positions.len(), numbers.join(" "));
        let mut text =
            format!("{n}\nLattice=\"{lattice}\" Properties={properties}{pairs} pbc=\"{pbc}\"\n");
        let motion = self.motion.as_ref().map(|motion| &motion.values);
        for (i, symbol) in self.species.iter().enumerate() {
            text += symbol;
            let [place, moves, forces] = [Some(&self.positions), motion, self.forces.as_ref()]
                .map(|column| column.into_iter().flat_map(move |column| column[i]));
            let mass = self.masses.iter().map(|masses| masses[i]);
            for x in place.chain(mass).chain(moves).chain(forces) {
                text += &format!(" {x}");
            }
            for column in &self.unread {
                text += &format!(" {}", column.fields[i]);
            }
            text += "\n";
        }
        if parse::frame(file, text.as_bytes())? != *self {
            let expected = "one whose columns keep their meaning in a file";
            return Err(unfit("a frame that would read back as another one".to_owned(), expected));
        }
        Ok(text)
    }

    fn properties(&self) -> String {
        let mut properties = "species:S:1:pos:R:3".to_owned();
        if self.masses.is_some() {
            properties += ":masses:R:1";
        }
        if let Some(motion) = &self.motion {
            properties += &format!(":{}:R:3", motion.column);
        }
        if self.forces.is_some() {
            properties += ":forces:R:3";
        }
        for column in &self.unread {
            properties += &format!(":{}", column.declared);
        }
        properties
    }
}
