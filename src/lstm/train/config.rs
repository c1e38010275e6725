//! The options of a training, by the names of wsindy-manifold.

use super::error::Error;
use super::loss::{self, Multistep};
use super::pass::count;
use super::sampling::Sampling;

/// Other names of options that wsindy-manifold takes, and the names that they stand for.
pub const ALIASES: [(&str, &str); 5] = [
    ("hidden_dim", "hidden_units"),
    ("n_layers", "num_layers"),
    ("lr", "learning_rate"),
    ("n_epochs", "max_epochs"),
    ("grad_clip", "gradient_clip"),
];

/// Options without a default.
const REQUIRED: [&str; 5] =
    ["hidden_units", "num_layers", "max_epochs", "patience", "learning_rate"];

/// Options of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Units of a layer.
    pub hidden_units: usize,
    /// Layers, 1 to 4.
    pub num_layers: usize,
    /// The first learning rate.
    pub learning_rate: f64,
    /// The most epochs.
    pub max_epochs: usize,
    /// Epochs without a better loss of the validation windows after which training ends.
    pub patience: usize,
    /// Samples of a batch.
    pub batch_size: usize,
    /// Share of the hidden states between layers that are left out, 0 to below 1.
    pub dropout: f64,
    /// Multiple of the weights that is added to their gradient.
    pub weight_decay: f64,
    /// The largest norm of a gradient; 0 for any.
    pub gradient_clip: f64,
    /// Whether the last state of the window is added to the output.
    pub residual: bool,
    /// Whether the last hidden state is normalised.
    pub use_layer_norm: bool,
    /// Whether states are normalised by mean and deviation of the training windows.
    pub normalize_input: bool,
    /// The loss of rollouts, if they count: `multistep_loss`, `multistep_k`, `multistep_alpha`.
    pub multistep: Option<Multistep>,
    /// How states of windows are replaced by forecasts, if they are: `scheduled_sampling` and the
    /// options that start with `ss_`.
    pub scheduled_sampling: Option<Sampling>,
    /// Seed of the first weights, the order of samples, dropout and sampling.
    pub seed: u32,
}

impl Config {
    /// The options that have no default, and the defaults of the others.
    pub fn new(
        hidden_units: usize,
        num_layers: usize,
        learning_rate: f64,
        max_epochs: usize,
        patience: usize,
    ) -> Self {
        Self {
            hidden_units,
            num_layers,
            learning_rate,
            max_epochs,
            patience,
            batch_size: 32,
            dropout: 0.0,
            weight_decay: 1e-5,
            gradient_clip: 5.0,
            residual: false,
            use_layer_norm: true,
            normalize_input: true,
            multistep: None,
            scheduled_sampling: None,
            seed: 0,
        }
    }

    /// Reads options by name, or by another name of [`ALIASES`]: numbers, `true` and `false`.
    ///
    /// # Errors
    ///
    /// If an option is unknown, given twice, missing though it has no default, or no value of its
    /// kind.
    pub fn from_options<'a>(
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        let mut config = Self::new(0, 0, 0.0, 0, 0);
        let (mut multistep, mut is_multistep) = (Multistep::default(), false);
        let (mut sampling, mut is_sampled) = (Sampling::default(), false);
        let mut seen = Vec::new();
        for (given, value) in options {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == given);
            let name = alias.map_or(given, |(_, name)| *name);
            if seen.contains(&name) {
                return Err(Error::Twice { option: name.to_owned() });
            }
            let wrong = |expected| Error::Option {
                option: given.to_owned(),
                found: value.to_owned(),
                expected,
            };
            let number = || value.parse::<f64>().map_err(|_| wrong("a number"));
            let count = || value.parse::<usize>().map_err(|_| wrong("a whole number"));
            let truth = || match &*value.to_ascii_lowercase() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(wrong("true or false")),
            };
            match name {
                "hidden_units" => config.hidden_units = count()?,
                "num_layers" => config.num_layers = count()?,
                "learning_rate" => config.learning_rate = number()?,
                "max_epochs" => config.max_epochs = count()?,
                "patience" => config.patience = count()?,
                "batch_size" => config.batch_size = count()?,
                "dropout" => config.dropout = number()?,
                "weight_decay" => config.weight_decay = number()?,
                "gradient_clip" => config.gradient_clip = number()?,
                "residual" => config.residual = truth()?,
                "use_layer_norm" => config.use_layer_norm = truth()?,
                "normalize_input" => config.normalize_input = truth()?,
                "multistep_loss" => is_multistep = truth()?,
                "multistep_k" => multistep.k_steps = count()?,
                "multistep_alpha" => multistep.alpha = number()?,
                "scheduled_sampling" => is_sampled = truth()?,
                "ss_warmup" => sampling.warmup = count()?,
                "ss_phase1_end" => sampling.phase1_end = count()?,
                "ss_phase1_ratio" => sampling.phase1_ratio = number()?,
                "ss_phase2_end" => sampling.phase2_end = count()?,
                "ss_max_ratio" => sampling.max_ratio = number()?,
                "seed" => config.seed = value.parse().map_err(|_| wrong("0 to 2^32 - 1"))?,
                _ => return Err(Error::Unknown { option: given.to_owned() }),
            }
            seen.push(name);
        }
        let options: Vec<_> =
            REQUIRED.into_iter().filter(|option| !seen.contains(option)).collect();
        if !options.is_empty() {
            return Err(Error::Missing { options });
        }
        config.multistep = is_multistep.then_some(multistep);
        config.scheduled_sampling = is_sampled.then_some(sampling);
        config.check()?;
        Ok(config)
    }

    /// States after a window that the loss looks at.
    pub fn states_after(&self) -> usize {
        loss::states(self.multistep)
    }

    /// Requires that every option is in its domain.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |option: &str, found: String, expected| {
            Err(Error::Option { option: option.to_owned(), found, expected })
        };
        for (option, found, most, expected) in [
            ("hidden_units", self.hidden_units, 4096, "1 to 4096"),
            ("num_layers", self.num_layers, 4, "1 to 4"),
            ("max_epochs", self.max_epochs, 1 << 24, "1 to 2^24"),
            ("patience", self.patience, 1 << 24, "1 to 2^24"),
            ("batch_size", self.batch_size, 1 << 20, "1 to 2^20"),
        ] {
            if !(1..=most).contains(&found) {
                return wrong(option, found.to_string(), expected);
            }
        }
        let Multistep { k_steps, alpha } = self.multistep.unwrap_or_default();
        if !(2..=1024).contains(&k_steps) {
            return wrong("multistep_k", k_steps.to_string(), "2 to 1024");
        }
        let sampling = self.scheduled_sampling.unwrap_or_default();
        for (option, found, range, expected) in [
            (
                "learning_rate",
                self.learning_rate,
                f64::MIN_POSITIVE..=f64::MAX,
                "a finite number above 0",
            ),
            (
                "gradient_clip",
                self.gradient_clip,
                0.0..=f64::MAX,
                "a finite number, 0 (for no limit) or more",
            ),
            ("weight_decay", self.weight_decay, 0.0..=f64::MAX, "a finite number, 0 or more"),
            ("dropout", self.dropout, 0.0..=1.0 - f64::EPSILON, "0 to below 1"),
            ("multistep_alpha", alpha, 0.0..=1.0, "0 to 1"),
            ("ss_phase1_ratio", sampling.phase1_ratio, 0.0..=1.0, "0 to 1"),
            ("ss_max_ratio", sampling.max_ratio, 0.0..=1.0, "0 to 1"),
        ] {
            if !range.contains(&found) {
                return wrong(option, found.to_string(), expected);
            }
        }
        Ok(())
    }

    /// All that decides the bits of a training, by name; what only ends it is left out.
    pub(super) fn numbers(&self) -> [(&'static str, f64); 20] {
        let truth = |value: bool| f64::from(u8::from(value));
        let Multistep { k_steps, alpha } = self.multistep.unwrap_or_default();
        let sampling = self.scheduled_sampling.unwrap_or_default();
        [
            ("hidden_units", count(self.hidden_units)),
            ("num_layers", count(self.num_layers)),
            ("learning_rate", self.learning_rate),
            ("batch_size", count(self.batch_size)),
            ("dropout", self.dropout),
            ("weight_decay", self.weight_decay),
            ("gradient_clip", self.gradient_clip),
            ("residual", truth(self.residual)),
            ("use_layer_norm", truth(self.use_layer_norm)),
            ("normalize_input", truth(self.normalize_input)),
            ("multistep_loss", truth(self.multistep.is_some())),
            ("multistep_k", count(k_steps)),
            ("multistep_alpha", alpha),
            ("scheduled_sampling", truth(self.scheduled_sampling.is_some())),
            ("ss_warmup", count(sampling.warmup)),
            ("ss_phase1_end", count(sampling.phase1_end)),
            ("ss_phase1_ratio", sampling.phase1_ratio),
            ("ss_phase2_end", count(sampling.phase2_end)),
            ("ss_max_ratio", sampling.max_ratio),
            ("seed", f64::from(self.seed)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: [(&str, &str); 5] = [
        ("hidden_dim", "8"),
        ("n_layers", "2"),
        ("lr", "1e-3"),
        ("n_epochs", "7"),
        ("patience", "3"),
    ];

    #[test]
    fn options_have_the_names_and_defaults_of_wsindy_manifold() {
        let config = Config::from_options(GIVEN).unwrap();
        assert_eq!(config, Config::new(8, 2, 1e-3, 7, 3), "aliases and defaults");
        let more = [("multistep_loss", "True"), ("grad_clip", "0"), ("dropout", "0.1")];
        let config = Config::from_options(GIVEN.into_iter().chain(more)).unwrap();
        assert_eq!(config.multistep, Some(Multistep { k_steps: 5, alpha: 0.3 }), "multistep");
        assert_eq!((config.gradient_clip, config.dropout), (0.0, 0.1), "others");
        let more = [("scheduled_sampling", "True")];
        let config = Config::from_options(GIVEN.into_iter().chain(more)).unwrap();
        let default = Sampling {
            warmup: 20,
            phase1_end: 200,
            phase1_ratio: 0.3,
            phase2_end: 400,
            max_ratio: 0.5,
        };
        assert_eq!(config.scheduled_sampling, Some(default), "sampling");
        let more = more.into_iter().chain([
            ("ss_warmup", "1"),
            ("ss_phase1_end", "2"),
            ("ss_phase1_ratio", "0.25"),
            ("ss_phase2_end", "3"),
            ("ss_max_ratio", "1"),
        ]);
        let config = Config::from_options(GIVEN.into_iter().chain(more)).unwrap();
        let given = Sampling {
            warmup: 1,
            phase1_end: 2,
            phase1_ratio: 0.25,
            phase2_end: 3,
            max_ratio: 1.0,
        };
        assert_eq!(config.scheduled_sampling, Some(given), "sampling as given");
    }

    #[test]
    fn what_has_no_default_is_asked_for_by_name() {
        for (name, _) in GIVEN {
            let rest = GIVEN.into_iter().filter(|(other, _)| *other != name);
            let full = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, n)| n);
            let why = Config::from_options(rest).unwrap_err().to_string();
            assert!(why.starts_with(&format!("{full}: found no value")), "{name}: {why}");
        }
        let why = Config::from_options([("lr", "1e-3")]).unwrap_err().to_string();
        assert!(why.starts_with("hidden_units, num_layers, max_epochs, patience: "), "{why}");
    }

    #[test]
    fn values_out_of_their_domain_are_refused_by_name() {
        for (name, value) in [
            ("batch_size", "0"),
            ("batch_size", "1.5"),
            ("dropout", "1"),
            ("dropout", "nan"),
            ("weight_decay", "-1"),
            ("gradient_clip", "inf"),
            ("residual", "yes"),
            ("multistep_k", "1"),
            ("multistep_alpha", "1.1"),
            ("ss_warmup", "-1"),
            ("ss_phase1_end", "0.5"),
            ("ss_phase1_ratio", "1.1"),
            ("ss_phase2_end", "x"),
            ("ss_max_ratio", "nan"),
            ("seed", "-1"),
            ("hidden_units", "9"),
            ("momentum", "0.9"),
        ] {
            let on = [("multistep_loss", "true"), ("scheduled_sampling", "true")];
            let more = on.into_iter().chain([(name, value)]);
            let why = Config::from_options(GIVEN.into_iter().chain(more)).unwrap_err();
            assert!(why.to_string().contains(name), "{name} {value}: {why}");
        }
        for (name, value) in [("n_epochs", "0"), ("lr", "0"), ("lr", "inf"), ("n_layers", "5")] {
            let options = GIVEN.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
            let full = ALIASES.iter().find(|(alias, _)| *alias == name).unwrap().1;
            let why = Config::from_options(options).unwrap_err().to_string();
            assert!(why.contains(full) && why.contains("expected"), "{name} {value}: {why}");
        }
    }
}
