//! The options of `stepmark rom`, by the names of wsindy-manifold.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgMatches, ValueEnum};

use crate::cli::{Exit, Stop};
use crate::lstm;
use crate::lstm::model::{Options, load_scale};
use crate::lstm::train::{self as lstm_train, ALIASES, Config, Progress};
use crate::mvar::train::{self as mvar_train, Criterion};
use crate::profile::progress::Line;
use crate::rom::fit::{self, Lag, Mvar};
use crate::rom::forecast::{self, Start};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Fit(Fit),
    Forecast(Forecast),
}

const FIT: &str = "Fit a model to the windows of a latent_dataset.npz.

mvar: ridge regression with an unpenalised intercept; writes mvar_model.npz.
lstm: a network, by Adam; writes lstm_state_dict.pt, lstm.safetensors and training_log.csv. A training
that was killed goes on from its checkpoint.npz when it is started again with the same options. One
whose loss is no longer finite stops and says so: its files hold the best weights before, and it ends
with exit code 0; if there are none before, with an error.

  stepmark rom fit --model mvar --data latent_dataset.npz --lag bic
  stepmark rom fit --model lstm --data latent_dataset.npz --hidden_units 64 --num_layers 2 \\
      --learning_rate 1e-3 --max_epochs 300 --patience 30";

/// Fit a model to the windows of a `latent_dataset.npz`
#[derive(Debug, clap::Args)]
#[command(long_about = FIT)]
pub(super) struct Fit {
    /// The kind of model
    #[arg(long, value_enum)]
    model: Kind,
    /// The archive with `X_all`, `Y_all` and `lag`
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The folder that files are written to; made if it is missing [default: MVAR or LSTM]
    #[arg(long = "output_dir", alias = "output-dir", value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// States of a window; of mvar, also aic, bic, hqic or fpe, which choose it [default: as in the data]
    #[arg(long, value_name = "LAG", value_parser = lag, allow_hyphen_values = true)]
    lag: Option<Lag>,
    #[command(flatten)]
    mvar: Autoregression,
    #[command(flatten)]
    lstm: Network,
}

/// The kind of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Autoregression
    Mvar,
    /// Network
    Lstm,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of mvar")]
struct Autoregression {
    /// The longest lag that a criterion may choose [default: as in the data]
    #[arg(long = "max_lag", alias = "max-lag", value_name = "LAG", value_parser = count,
          allow_hyphen_values = true)]
    max_lag: Option<usize>,
    /// Weight of the squared coefficients [default: 1e-6]
    #[arg(long = "ridge_alpha", aliases = ["ridge-alpha", "alpha"], value_name = "NUMBER",
          value_parser = alpha, allow_hyphen_values = true)]
    ridge_alpha: Option<f64>,
    /// The largest spectral radius; a model beyond it is scaled down to it [default: any]
    #[arg(long = "eigenvalue_threshold", alias = "eigenvalue-threshold", value_name = "NUMBER",
          value_parser = threshold, allow_hyphen_values = true)]
    eigenvalue_threshold: Option<f64>,
}

impl Autoregression {
    /// An option that was given.
    fn given(&self) -> Option<&'static str> {
        let max_lag = self.max_lag.map(|_| "max_lag");
        let alpha = || self.ridge_alpha.map(|_| "ridge_alpha");
        let threshold = || self.eigenvalue_threshold.map(|_| "eigenvalue_threshold");
        max_lag.or_else(alpha).or_else(threshold)
    }
}

/// The options of a training: names, values, and what they are.
const TRAINING: [(&str, &str, &str); 22] = [
    ("hidden_units", "N", "Units of a layer; required"),
    ("num_layers", "N", "Layers, 1 to 4; required"),
    ("learning_rate", "NUMBER", "The first learning rate; required"),
    ("max_epochs", "N", "The most epochs; required"),
    ("patience", "N", "Epochs without a better validation loss that end the training; required"),
    ("batch_size", "N", "Windows of a batch [default: 32]"),
    ("dropout", "NUMBER", "Share of the hidden states between two layers left out [default: 0]"),
    ("weight_decay", "NUMBER", "Multiple of the weights added to their gradient [default: 1e-5]"),
    ("gradient_clip", "NUMBER", "The largest norm of a gradient; 0 for any [default: 5]"),
    ("residual", "BOOL", "Whether the last state is added to the output [default: false]"),
    ("use_layer_norm", "BOOL", "Whether the last hidden state is normalised [default: true]"),
    ("normalize_input", "BOOL", "Whether states are normalised [default: true]"),
    ("multistep_loss", "BOOL", "Whether the loss counts rollouts [default: false]"),
    ("multistep_k", "N", "States of such a rollout [default: 5]"),
    ("multistep_alpha", "NUMBER", "Share of the loss that is of later states [default: 0.3]"),
    ("scheduled_sampling", "BOOL", "Whether forecasts replace states of windows [default: false]"),
    ("ss_warmup", "N", "Epochs at the start without such forecasts [default: 20]"),
    ("ss_phase1_end", "N", "Epoch until which their share rises to ss_phase1_ratio [default: 200]"),
    ("ss_phase1_ratio", "NUMBER", "Share of states that are replaced in that epoch [default: 0.3]"),
    ("ss_phase2_end", "N", "Epoch until which their share goes on to ss_max_ratio [default: 400]"),
    ("ss_max_ratio", "NUMBER", "Share of states that are replaced from then on [default: 0.5]"),
    ("seed", "N", "Seed of weights, order, dropout and sampling [default: 0]"),
];

/// Options that say nothing without `multistep_loss`, and without `scheduled_sampling`.
const MULTISTEP: [&str; 2] = ["multistep_k", "multistep_alpha"];
const SAMPLING: [&str; 5] =
    ["ss_warmup", "ss_phase1_end", "ss_phase1_ratio", "ss_phase2_end", "ss_max_ratio"];

/// A name of `max_epochs` besides those of wsindy-manifold.
const EPOCHS: (&str, &str) = ("epochs", "max_epochs");

/// Options of a training by name, with the values that were given.
#[derive(Debug)]
struct Network(Vec<(&'static str, String)>);

impl clap::FromArgMatches for Network {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |(name, ..): &(&'static str, _, _)| {
            matches.get_one::<String>(name).map(|value| (*name, value.clone()))
        };
        Ok(Self(TRAINING.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Network {
    fn augment_args(command: clap::Command) -> clap::Command {
        let args = TRAINING.map(|(name, value, help)| {
            let aliases = ALIASES.iter().chain([&EPOCHS]).filter(|(_, full)| *full == name);
            let aliases = aliases.map(|(alias, _)| *alias);
            let arg = clap::Arg::new(name).long(name).help(help).visible_aliases(aliases);
            arg.value_name(value).allow_hyphen_values(true)
        });
        command.next_help_heading("Options of lstm").args(args)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Forecast states from a window
#[derive(Debug, clap::Args)]
pub(super) struct Forecast {
    /// The model: .npz of mvar, .pt or .safetensors of lstm
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The archive with `window` (lag, d), oldest state first
    #[arg(long, value_name = "FILE")]
    window: PathBuf,
    /// States to forecast
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    steps: usize,
    /// The archive that `forecast` (N, d) is written to
    #[arg(long, value_name = "FILE", default_value = "forecast.npz")]
    output: PathBuf,
    #[command(flatten)]
    stated: Stated,
}

/// What the file of a network may not say itself.
#[derive(Debug, clap::Args)]
pub(super) struct Stated {
    /// States of a window of a network whose file does not say it
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    lag: Option<usize>,
    /// Whether the last state is added to the output of a network whose file does not say it
    #[arg(long, value_name = "BOOL")]
    residual: Option<bool>,
    /// The archive with `input_mean` and `input_std` of a network whose file does not hold them
    #[arg(long, value_name = "FILE")]
    normalization: Option<PathBuf>,
}

impl Stated {
    pub(super) fn options(&self) -> Result<Options, lstm::model::Error> {
        let scale = self.normalization.as_deref().map(load_scale).transpose()?;
        Ok(Options { lag: self.lag, residual: self.residual, scale })
    }
}

pub(super) fn run(verb: &Verb, out: &mut dyn Write) -> Result<Exit, Stop> {
    match verb {
        Verb::Fit(args) if args.model == Kind::Mvar => mvar(args, out),
        Verb::Fit(args) => lstm(args, out),
        Verb::Forecast(args) => forecast(args, out),
    }
}

fn mvar(args: &Fit, out: &mut dyn Write) -> Result<Exit, Stop> {
    if let Some((name, _)) = args.lstm.0.first() {
        return Err(usage(format!("--{name}: an option of --model lstm, found --model mvar")));
    }
    let Autoregression { max_lag, ridge_alpha, eigenvalue_threshold } = args.mvar;
    if max_lag.is_some() && !matches!(args.lag, Some(Lag::By(_))) {
        return Err(usage("--max_lag: expected --lag aic, bic, hqic or fpe with it"));
    }
    let alpha = ridge_alpha.unwrap_or(mvar_train::Config::default().alpha);
    let options = Mvar { lag: args.lag, max_lag, ridge_alpha: alpha, eigenvalue_threshold };
    fit::mvar(&args.data, &args.folder("MVAR"), &options, out)?;
    Ok(Exit::Pass)
}

fn lstm(args: &Fit, out: &mut dyn Write) -> Result<Exit, Stop> {
    if let Some(name) = args.mvar.given() {
        return Err(usage(format!("--{name}: an option of --model mvar, found --model lstm")));
    }
    let lag = match args.lag {
        Some(Lag::By(criterion)) => {
            let (found, expected) = (criterion.name(), "a whole number with --model lstm");
            return Err(usage(format!("--lag: found {found}, expected {expected}")));
        }
        Some(Lag::States(lag)) => Some(lag),
        None => None,
    };
    let options = args.lstm.0.iter().map(|(name, value)| (*name, value.as_str()));
    let config = Config::from_options(options).map_err(|why| usage(with_dashes(&why)))?;
    let is_given = |option: &&&str| args.lstm.0.iter().any(|(name, _)| name == *option);
    for (is_on, switch, parts) in [
        (config.multistep.is_some(), "multistep_loss", &MULTISTEP[..]),
        (config.scheduled_sampling.is_some(), "scheduled_sampling", &SAMPLING),
    ] {
        if let Some(option) = parts.iter().find(is_given).filter(|_| !is_on) {
            return Err(usage(format!("--{option}: expected --{switch} true with it")));
        }
    }
    let mut line = Line::new();
    let mut watch = |now: Option<&Progress>| match now {
        Some(now) => line.show(|| text(now)),
        None => line.wipe(),
    };
    let ended = fit::lstm(&args.data, &args.folder("LSTM"), lag, &config, &mut watch, out);
    drop(line);
    ended?;
    Ok(Exit::Pass)
}

/// Where a training stands; epochs and batches count from 1.
fn text(now: &Progress) -> String {
    let (epoch, batch) = (now.epoch + 1, now.batch + 1);
    let losses = now.losses.map_or(String::new(), |last| {
        format!(", val_loss {:.6}, best {:.6}", last.validation, now.best)
    });
    format!("epoch {epoch} of {}, batch {batch} of {}{losses}", now.epochs, now.batches)
}

/// A flaw of the options of a training by their names here.
fn with_dashes(why: &lstm_train::Error) -> String {
    match why {
        lstm_train::Error::Missing { options } => {
            let options: Vec<_> = options.iter().map(|option| format!("--{option}")).collect();
            format!("--model lstm needs {}, which have no default", options.join(", "))
        }
        // The others begin with the name.
        why => format!("--{why}"),
    }
}

fn forecast(args: &Forecast, out: &mut dyn Write) -> Result<Exit, Stop> {
    let options = args.stated.options()?;
    let start = Start { model: &args.model, options, window: &args.window };
    forecast::run(&start, args.steps, &args.output, out)?;
    Ok(Exit::Pass)
}

impl Fit {
    fn folder(&self, default: &str) -> PathBuf {
        self.output_dir.clone().unwrap_or_else(|| PathBuf::from(default))
    }
}

fn usage(why: impl Into<String>) -> Stop {
    Stop::new(Exit::Usage, why)
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number, 1 or more".to_owned())
}

fn lag(text: &str) -> Result<Lag, String> {
    let criterion = Criterion::ALL.into_iter().find(|criterion| criterion.name() == text);
    match criterion {
        Some(criterion) => Ok(Lag::By(criterion)),
        None => {
            count(text).map(Lag::States).map_err(|why| format!("{why}; or aic, bic, hqic or fpe"))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn alpha(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|number| *number >= 0.0);
    number.ok_or_else(|| "expected a finite number, 0 or more".to_owned())
}

fn threshold(text: &str) -> Result<f64, String> {
    let number = number(text).filter(|number| *number > 0.0);
    number.ok_or_else(|| "expected a finite number above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lstm::train::Losses;

    #[test]
    fn the_line_of_a_terminal_counts_from_one_and_has_the_losses_once_they_are_known() {
        let losses = Losses { train: 0.5, validation: 0.25 };
        let start =
            Progress { epoch: 0, epochs: 300, batch: 9, batches: 25, losses: None, best: 0.125 };
        assert_eq!(
            text(&start),
            "epoch 1 of 300, batch 10 of 25",
            "before the first epoch is over"
        );
        let next = Progress { epoch: 1, batch: 0, losses: Some(losses), ..start };
        let want = "epoch 2 of 300, batch 1 of 25, val_loss 0.250000, best 0.125000";
        assert_eq!(text(&next), want, "after it");
    }
}
