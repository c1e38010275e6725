//! The options of `stepmark profile rom`.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::{Exit, Stop};
use crate::profile::rom::find::Wanted;
use crate::profile::rom::run::{self, Options};
use crate::profile::rom::trials::Plan;

const LONG: &str = "Time reduced-order models and compare them: forecasts of one step and of many, memory, operations,
accuracy on states that no model has seen.

Without arguments the models are the fixtures of this crate. DIR is an output folder of wsindy-manifold
or of `stepmark rom fit`, with MVAR/mvar_model.npz, LSTM/lstm_state_dict.pt and
rom_common/latent_dataset.npz. The first model is the one that all others are compared with.

A run that was killed resumes where it was when it is started again with the same options.";

/// Time reduced-order models, and compare what they cost and how good they are
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The folder that models and data are read from
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// A file of an autoregression; may be repeated
    #[arg(long, value_name = "FILE")]
    mvar: Vec<PathBuf>,
    /// A file of a network; may be repeated
    #[arg(long, value_name = "FILE")]
    lstm: Vec<PathBuf>,
    #[command(flatten)]
    stated: super::rom::Stated,
    /// The archive with `window` (longest lag, d), oldest state first [default: the first latent states]
    #[arg(long, value_name = "FILE", conflicts_with = "train")]
    z0: Option<PathBuf>,
    /// Steps of a full trajectory
    #[arg(long = "n-steps", alias = "n_steps", value_name = "N", default_value = "100",
          value_parser = super::rom::count, allow_hyphen_values = true)]
    n_steps: usize,
    /// Trials of each forecast
    #[arg(long = "n-trials", alias = "n_trials", value_name = "N", default_value = "50",
          value_parser = super::rom::count, allow_hyphen_values = true)]
    n_trials: usize,
    /// Trajectories before the first trial
    #[arg(long, value_name = "N", default_value = "5", allow_hyphen_values = true)]
    warmup: usize,
    /// The name of the run
    #[arg(
        long = "experiment_name",
        alias = "experiment-name",
        value_name = "NAME",
        default_value = "profile_rom",
        value_parser = name
    )]
    experiment_name: String,
    /// The folder that all files are written to; made if it is missing [default: `oscar_output/NAME`]
    #[arg(long = "output-dir", alias = "output_dir", value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Train models of the same sizes on the first four fifths of each run of this `latent_dataset.npz`,
    /// and profile those
    #[arg(long, value_name = "DATA")]
    train: Option<PathBuf>,
    /// Also time models of seeded weights, while one size grows
    #[arg(long)]
    scaling: bool,
    /// Also put the results into summary.json of DIR
    #[arg(long, requires = "folder")]
    update_summary: bool,
    #[command(flatten)]
    figures: super::Figures,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Stop> {
    let default = PathBuf::from("oscar_output").join(&args.experiment_name);
    let is_default = |folder: &PathBuf| {
        let real = |path: &PathBuf| path.canonicalize().ok();
        args.output_dir.is_none() && real(folder).is_some_and(|own| Some(own) == real(&default))
    };
    if let Some(folder) = args.folder.as_ref().filter(|folder| is_default(folder)) {
        let folder = folder.display();
        let why = format!(
            "{folder}: results would go among the models; name a folder by --output-dir, this one if \
             you mean it"
        );
        return Err(Stop::new(Exit::Usage, why));
    }
    let options = Options {
        wanted: Wanted {
            folder: args.folder.clone(),
            mvar: args.mvar.clone(),
            lstm: args.lstm.clone(),
            stated: args.stated.options()?,
            z0: args.z0.clone(),
        },
        plan: Plan { n_steps: args.n_steps, n_trials: args.n_trials, warmup: args.warmup },
        experiment_name: args.experiment_name.clone(),
        output: args.output_dir.clone().unwrap_or(default),
        train: args.train.clone(),
        scaling: args.scaling,
        update_summary: args.update_summary,
        figures: args.figures.are_wanted(),
    };
    run::run(&options, out)?;
    Ok(Exit::Pass)
}

/// A name that is one of a folder.
pub(super) fn name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\\']);
    is_name.then(|| text.to_owned()).ok_or_else(|| "expected a name without slashes".to_owned())
}
