//! A potential of whatever kind.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::text::Reader;
use super::{Error, Kind, sw, tables, tersoff};
use crate::md::neighbours::NeighbourList;
use crate::md::potentials::{
    Forces, Potential, StillingerWeberCompound, TabulatedEam, Tersoff, sw_compound, tabulated,
};
use crate::md::system::Atoms;

/// Longer files are not read.
const LONGEST_BYTES: u64 = 1 << 28;

/// Pairs of entries that a note names.
const MOST_SHOWN: usize = 2;

/// A potential that was read from a file.
#[derive(Debug, Clone, PartialEq)]
pub enum FilePotential {
    /// Of an `sw` file.
    StillingerWeber(StillingerWeberCompound),
    /// Of a `tersoff` file.
    Tersoff(Tersoff),
    /// Of an `eam`, `eam/alloy` or `eam/fs` file.
    Eam(TabulatedEam),
}

/// Space for [`FilePotential`].
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    sw: sw_compound::Scratch,
    tersoff: crate::md::potentials::tersoff::Scratch,
    eam: tabulated::Scratch,
}

impl FilePotential {
    /// Reads a file of that kind, or of the one that its name shows.
    ///
    /// `elements` are the names in the file of the species of a system, in the order of
    /// [`System::elements`](crate::md::System::elements): its chemical symbols, or others, as
    /// `Si(D)`. Two species may have one name.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, the kind is not known, or as [`FilePotential::parse`].
    pub fn read<S: AsRef<str>>(
        path: &Path,
        kind: Option<Kind>,
        elements: &[S],
    ) -> Result<Self, Error> {
        let file = path.display().to_string();
        let Some(kind) = kind.or_else(|| Kind::of(path)) else {
            return Err(Error::Ending { file });
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|opened| opened.take(LONGEST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| Error::Read { file: file.clone(), source })?;
        if bytes.len() as u64 > LONGEST_BYTES {
            let found = format!("more than {LONGEST_BYTES} bytes");
            return Err(Error::Unfit { file, found, expected: "a table of parameters".to_owned() });
        }
        Self::parse(&file, &bytes, kind, elements)
    }

    /// Reads the contents of a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If a line is missing, left over or malformed, a number is not finite or out of its range, or
    /// an element has no parameters.
    pub fn parse<S: AsRef<str>>(
        file: &str,
        bytes: &[u8],
        kind: Kind,
        elements: &[S],
    ) -> Result<Self, Error> {
        let text = String::from_utf8_lossy(bytes);
        let mut reader = Reader::new(file, &text)?;
        let elements: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
        if elements.is_empty() {
            return Err(reader.unfit("no elements to look for", "the names of some"));
        }
        Ok(match kind {
            Kind::StillingerWeber => Self::StillingerWeber(sw::read(&mut reader, &elements)?),
            Kind::Tersoff => Self::Tersoff(tersoff::read(&mut reader, &elements)?),
            Kind::Funcfl => Self::Eam(tables::funcfl(&mut reader, &elements)?),
            Kind::Setfl => Self::Eam(tables::setfl(&mut reader, &elements, false)?),
            Kind::FinnisSinclair => Self::Eam(tables::setfl(&mut reader, &elements, true)?),
        })
    }
}

impl FilePotential {
    /// What users of LAMMPS would not expect, or not of this file; `elements` as for
    /// [`FilePotential::read`].
    pub fn notes<S: AsRef<str>>(&self, elements: &[S]) -> Vec<String> {
        let (pairs, angles) = match self {
            Self::StillingerWeber(sw) => (sw.unlike_pairs(), sw.unlike_angles()),
            Self::Tersoff(tersoff) => (tersoff.unlike_pairs(), Vec::new()),
            Self::Eam(eam) => {
                let note = eam.shortfall().map(|end| {
                    format!(
                        "the cutoff of {} A is beyond the tables, which hold their last values from \
                         {end} A on, as in LAMMPS",
                        eam.cutoff()
                    )
                });
                return note.into_iter().collect();
            }
        };
        let name = |species: [usize; 3]| species.map(|s| elements[s].as_ref()).join(" ");
        let told = |unlike: Vec<[[usize; 3]; 2]>, so: &str| {
            let both: Vec<_> = unlike.iter().map(|both| both.map(name).join(" and ")).collect();
            let shown = both.len().min(MOST_SHOWN);
            let more = match both.len() - shown {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let which = both[..shown].join(", ");
            (shown > 0).then(|| format!("the entries {which}{more} differ: {so}"))
        };
        let pairs = told(
            pairs,
            "a pair takes one of both by the numbers of its atoms, as in LAMMPS, so that the energy \
             depends on their order",
        );
        let angles = told(
            angles,
            "an angle takes the mean of both, where LAMMPS takes one by the order of its list",
        );
        pairs.into_iter().chain(angles).collect()
    }
}

impl Potential for FilePotential {
    type List = NeighbourList;
    type Scratch = Scratch;

    fn cutoff(&self) -> f64 {
        match self {
            Self::StillingerWeber(sw) => sw.cutoff(),
            Self::Tersoff(tersoff) => tersoff.cutoff(),
            Self::Eam(eam) => eam.cutoff(),
        }
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &NeighbourList,
        scratch: &mut Scratch,
        out: &mut Forces,
    ) {
        match self {
            Self::StillingerWeber(sw) => sw.compute(atoms, list, &mut scratch.sw, out),
            Self::Tersoff(tersoff) => tersoff.compute(atoms, list, &mut scratch.tersoff, out),
            Self::Eam(eam) => eam.compute(atoms, list, &mut scratch.eam, out),
        }
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        match self {
            Self::StillingerWeber(sw) => sw.reference(atoms),
            Self::Tersoff(tersoff) => tersoff.reference(atoms),
            Self::Eam(eam) => eam.reference(atoms),
        }
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        match self {
            Self::StillingerWeber(sw) => sw.bound(atoms),
            Self::Tersoff(tersoff) => tersoff.bound(atoms),
            Self::Eam(eam) => eam.bound(atoms),
        }
    }
}
