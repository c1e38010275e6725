//! A trained model and how it came about, in files.

use std::fmt::{self, Write as _};
use std::path::Path;

use super::error::Error;
use crate::file;
use crate::lstm::model::{Kind, Model};

/// Losses of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Losses {
    /// Mean squared error of the next state over the training windows, while weights moved.
    pub train: f64,
    /// The loss over the validation windows after the epoch; with rollouts if they count.
    pub validation: f64,
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All epochs were done.
    Epochs,
    /// The loss of the validation windows had stood for `patience` epochs.
    Patience,
    /// A loss was not finite; the best weights before are kept.
    Diverged,
}

impl fmt::Display for Ending {
    /// Continues a count of epochs and a comma.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epochs => "all of them",
            Self::Patience => "then the loss stood still",
            Self::Diverged => "then the loss was not finite: the best weights before are kept",
        })
    }
}

/// A trained model and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model, with the weights of the best epoch, the training time and the dropout.
    pub model: Model,
    /// The least loss of the validation windows.
    pub val_loss: f64,
    /// The losses of each epoch.
    pub log: Vec<Losses>,
    /// Why it ended.
    pub ending: Ending,
}

impl Trained {
    /// Saves `lstm_state_dict.pt`, `lstm.safetensors` and `training_log.csv` into `folder`, all or
    /// none as far as can be.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        let model = |name: &str, kind| -> Result<_, Error> {
            let file = folder.join(name).display().to_string();
            Ok((name.to_owned(), self.model.to_bytes(&file, kind)?))
        };
        let files = [
            model("lstm_state_dict.pt", Kind::Torch)?,
            model("lstm.safetensors", Kind::Safetensors)?,
            ("training_log.csv".to_owned(), log_text(&self.log).into_bytes()),
        ];
        file::replace_all(folder, &files).map_err(|(file, source)| Error::Io { file, source })
    }
}

/// The log as wsindy-manifold writes it; epochs count from 0.
pub(super) fn log_text(log: &[Losses]) -> String {
    let mut text = "epoch,train_loss,val_loss\n".to_owned();
    for (epoch, Losses { train, validation }) in log.iter().enumerate() {
        writeln!(text, "{epoch},{train:.8},{validation:.8}").expect("a string takes all");
    }
    text
}
