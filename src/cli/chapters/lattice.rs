//! The options of `stepmark profile lattice`.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::whole;
use crate::cli::{Exit, Stop};
use crate::lattice::Lattice;
use crate::profile::lattice::run::{self, Options};
use crate::profile::lattice::{Error, Operation, Setup};

/// Largest batch, and largest matrix in elements: half a gigabyte of floats.
const MOST_VECTORS: usize = 1 << 24;
const MOST_ELEMENTS: usize = 1 << 27;
/// Standard deviation of the data.
const SIGMA: f64 = 0.5;

const LONG: &str = "Time the lattice codec over batch sizes, and measure its error and rate.

`baseline` is the scalar implementation; `cpu_simd`, among the extensions, the best one of this
processor. `cuda_optimized` is measured on a GPU or null, and the reason is given: a CPU never
stands in for it. The data are Gaussian of deviation 0.5; the error profile has rows of norm 1.

A run that was killed resumes where it was when it is started again with the same options.";

/// Time the lattice codec over batch sizes, and measure its error and rate
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The operation to profile
    #[arg(long, value_enum, default_value = "all")]
    operation: What,
    /// Z2, D4 or E8 [default: D4; of `--operation error` alone, E8]
    #[arg(long, value_name = "LATTICE", value_parser = lattice)]
    lattice: Option<Lattice>,
    /// Values of a digit's coordinate, 2 to 16
    #[arg(long, default_value = "4", value_parser = q, allow_hyphen_values = true)]
    q: u8,
    /// Number of levels, 1 to 8
    #[arg(long = "M", value_name = "M", default_value = "2", value_parser = levels,
          allow_hyphen_values = true)]
    levels: u8,
    /// Size of a step
    #[arg(long, default_value = "1", value_parser = beta, allow_hyphen_values = true)]
    beta: f32,
    /// Scale overloaded vectors down by powers of 2
    #[arg(long)]
    protected: bool,
    /// Seed of the data
    #[arg(long, default_value = "1", value_parser = seed, allow_hyphen_values = true)]
    seed: u64,
    /// Vectors in each call, separated by commas
    #[arg(long, value_name = "LIST", default_value = "1,10,100,1000,10000",
          value_delimiter = ',', value_parser = batch_size, allow_hyphen_values = true)]
    batch_sizes: Vec<usize>,
    /// Rows of the matrix of the error profile
    #[arg(long, value_name = "ROWS", default_value = "1000", value_parser = extent,
          allow_hyphen_values = true)]
    batch_size: usize,
    /// Columns of the matrix of the error profile
    #[arg(long, value_name = "COLUMNS", default_value = "512", value_parser = extent,
          allow_hyphen_values = true)]
    matrix_size: usize,
    /// The folder that all files are written to; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "benchmarks/results")]
    output_dir: PathBuf,
    #[command(flatten)]
    figures: super::Figures,
}

/// The operation that a run profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Floats to codes
    Encoding,
    /// Codes to floats
    Decoding,
    /// Floats to what their codes stand for
    Combined,
    /// Distribution of the error on the rows of a normalised matrix
    Error,
    /// Distortion against rate over the step
    Sweep,
    /// All of these, and a summary report
    All,
}

impl What {
    fn operations(self) -> &'static [Operation] {
        match self {
            Self::Encoding => &[Operation::Encoding],
            Self::Decoding => &[Operation::Decoding],
            Self::Combined => &[Operation::Combined],
            Self::All => &Operation::ALL,
            Self::Error | Self::Sweep => &[],
        }
    }

    fn includes(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let alone = if args.operation == What::Error { Lattice::E8 } else { Lattice::D4 };
    let setup = Setup {
        lattice: args.lattice.unwrap_or(alone),
        q: args.q,
        levels: usize::from(args.levels),
        beta: args.beta,
        protected: args.protected,
        sigma: SIGMA,
        seed: args.seed,
    };
    // Rows are padded to whole vectors.
    let (rows, columns, d) = (args.batch_size, args.matrix_size, setup.lattice.dim());
    let padded = columns.checked_next_multiple_of(d).unwrap_or(usize::MAX);
    if rows.saturating_mul(padded) > MOST_ELEMENTS {
        let why = format!(
            "a matrix of {rows} by {columns}, in vectors of {d}, exceeds {MOST_ELEMENTS} elements"
        );
        return Err(Stop::new(Exit::Usage, why));
    }
    let what = args.operation;
    let name = what.to_possible_value().expect("none is skipped").get_name().to_owned();
    let options = Options {
        name,
        setup,
        operations: what.operations().to_vec(),
        batch_sizes: args.batch_sizes.clone(),
        matrix: what.includes(What::Error).then_some((rows, columns)),
        sweep: what.includes(What::Sweep),
        report: what == What::All,
        figures: args.figures.are_wanted(),
        folder: args.output_dir.clone(),
    };
    match run::run(&options, out) {
        Ok(()) => Ok(Exit::Pass),
        Err(why @ Error::Codec(_)) => Err(Stop::new(Exit::Usage, why.to_string())),
        Err(why @ Error::Differs { .. }) => Err(Stop::new(Exit::Wrong, why.to_string())),
        Err(why) => Err(why.into()),
    }
}

fn lattice(text: &str) -> Result<Lattice, String> {
    let found = Lattice::ALL.into_iter().find(|lattice| lattice.name() == text);
    found.ok_or_else(|| "expected Z2, D4 or E8".to_owned())
}

fn q(text: &str) -> Result<u8, String> {
    whole(text, 2..=16)
}

fn levels(text: &str) -> Result<u8, String> {
    whole(text, 1..=8)
}

fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

fn extent(text: &str) -> Result<usize, String> {
    whole(text, 1..=MOST_ELEMENTS)
}

fn batch_size(text: &str) -> Result<usize, String> {
    whole(text, 1..=MOST_VECTORS).map_err(|why| format!("{why}, or several as 1,10,100"))
}

/// The codec says which steps it takes.
fn beta(text: &str) -> Result<f32, String> {
    text.trim().parse().map_err(|_| "expected a number from 2^-100 to 2^100".to_owned())
}
