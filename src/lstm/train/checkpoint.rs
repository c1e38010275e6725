//! The state of a training in a file, from which it goes on to the same bits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ndarray::{Array1, Array2, Ix1, arr0};

use super::adam::{Adam, Plateau};
use super::config::Config;
use super::error::Error;
use super::generator::Generator;
use super::state::State;
use super::trained::Losses;
use crate::file::npz::{Archive, Writer};
use crate::machine::isa::Isa;

/// Where and how often a training saves its state. It goes on from a file that is already there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file, an archive of `NumPy`; the folder must exist.
    pub file: PathBuf,
    /// The least time between two of them: they are written after epochs, and at the end.
    pub every: Duration,
}

impl Checkpoint {
    /// At most one checkpoint a second.
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), every: Duration::from_secs(1) }
    }
}

/// What a state belongs to: it goes on to the same bits with these alone.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) config: &'a Config,
    /// The hash of the data.
    pub(super) data: i64,
    /// The instruction set, since each rounds in its own order.
    pub(super) isa: Isa,
}

/// The number by which a checkpoint names an instruction set.
fn number_of(isa: Isa) -> i64 {
    match isa {
        Isa::Scalar => 0,
        Isa::Avx2 => 2,
        Isa::Avx512 => 512,
    }
}

/// Replaces the checkpoint once the new one is whole.
pub(super) fn save(path: &Path, state: &State, origin: &Origin<'_>) -> Result<(), Error> {
    let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mut npz = Writer::new(path);
    for (name, values) in [
        ("parameters", &state.parameters),
        ("best", &state.best),
        ("adam_mean", &state.adam.mean),
        ("adam_square", &state.adam.square),
    ] {
        npz.add(name, ndarray::aview1(values))?;
    }
    for (name, value) in [
        ("plateau_best", state.plateau.best),
        ("rate", state.rate),
        ("val_loss", state.val_loss),
        ("seconds", state.seconds),
    ]
    .into_iter()
    .chain(origin.config.numbers())
    {
        npz.add(name, arr0(value).view())?;
    }
    for (name, value) in [
        ("data", origin.data),
        ("isa", number_of(origin.isa)),
        ("adam_steps", i64::from(state.adam.steps)),
        ("plateau_stood", size(state.plateau.stood)),
        ("waited", size(state.waited)),
    ] {
        npz.add(name, arr0(value).view())?;
    }
    npz.add("generator", Array1::from(state.generator.numbers()).view())?;
    let log = Array2::from_shape_fn((state.log.len(), 2), |(epoch, column)| {
        let Losses { train, validation } = state.log[epoch];
        if column == 0 { train } else { validation }
    });
    npz.add("log", log.view())?;
    Ok(npz.finish()?)
}

/// Loads the checkpoint of a training of `len` parameters that has this origin.
pub(super) fn load(path: &Path, origin: &Origin<'_>, len: usize) -> Result<State, Error> {
    let mut npz = Archive::open(path)?;
    let other = |what, found: String, expected: String| {
        Err(Error::Checkpoint { file: path.to_owned(), what, found, expected })
    };
    for (name, expected) in origin.config.numbers() {
        let found = number(&mut npz, name)?;
        if found != expected {
            return other(name, found.to_string(), expected.to_string());
        }
    }
    if npz.count("data")? != origin.data {
        return other("data", "other windows".to_owned(), "those given".to_owned());
    }
    let isa = npz.count("isa")?;
    if isa != number_of(origin.isa) {
        let known = Isa::ALL.into_iter().find(|known| number_of(*known) == isa);
        let found = known.map_or(isa.to_string(), |known| known.vectorised_name().to_owned());
        return other("isa", found, origin.isa.vectorised_name().to_owned());
    }
    let mut lists = Vec::new();
    for name in ["parameters", "best", "adam_mean", "adam_square"] {
        let list = npz.array::<f32, Ix1>(name)?.to_vec();
        if list.len() != len {
            return other(name, format!("{} numbers", list.len()), len.to_string());
        }
        lists.push(list);
    }
    let [parameters, best, mean, square] =
        <[Vec<f32>; 4]>::try_from(lists).expect("four lists, as named");
    let mut counts = Vec::new();
    for name in ["adam_steps", "plateau_stood", "waited"] {
        let found = npz.count(name)?;
        let Ok(count) = u32::try_from(found) else {
            return other(name, found.to_string(), "a count".to_owned());
        };
        counts.push(count);
    }
    let generator: Array1<i64> = npz.array("generator")?;
    let Some(generator) = Generator::from_numbers(&generator.to_vec()) else {
        return other("generator", "other numbers".to_owned(), "a state of one".to_owned());
    };
    let log: Array2<f64> = npz.array("log")?;
    if log.ncols() != 2 || log.nrows() == 0 {
        return other("log", format!("shape {:?}", log.dim()), "(1.., 2)".to_owned());
    }
    let log = log.outer_iter().map(|row| Losses { train: row[0], validation: row[1] }).collect();
    Ok(State {
        parameters,
        best,
        adam: Adam { mean, square, steps: counts[0].cast_signed() },
        plateau: Plateau { best: number(&mut npz, "plateau_best")?, stood: counts[1] as usize },
        rate: number(&mut npz, "rate")?,
        val_loss: number(&mut npz, "val_loss")?,
        waited: counts[2] as usize,
        generator,
        log,
        seconds: number(&mut npz, "seconds")?,
    })
}

fn number(npz: &mut Archive, name: &str) -> Result<f64, Error> {
    Ok(npz.array::<f64, ndarray::Ix0>(name)?.into_scalar())
}
