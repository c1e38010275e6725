//! The pictures of `stepmark history`, one for each chapter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Context, Exit, Stop};
use crate::file;
use crate::record;
use crate::report::history::{History, figure};

#[derive(Debug, clap::Args)]
pub(super) struct Pictures {
    /// The folder to write a picture of each chapter to [default: stepmark/history in the target folder]
    #[arg(long, value_name = "DIR", conflicts_with = "no_plot")]
    output_dir: Option<PathBuf>,
    /// Print the lines alone
    #[arg(long)]
    no_plot: bool,
}

impl Pictures {
    /// Writes one picture for each chapter, unless none is wanted.
    pub(super) fn draw(
        &self,
        histories: &[History],
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        if self.no_plot {
            return Ok(());
        }
        let default = || context.target.join("stepmark").join("history");
        let dir = self.output_dir.clone().unwrap_or_else(default);
        let tracks = histories.iter().flat_map(|history| &history.tracks);
        let chapters: BTreeSet<&str> = tracks.map(|track| record::chapter(&track.id)).collect();
        fs::create_dir_all(&dir).map_err(|why| unwritable(&dir, &why))?;
        for chapter in chapters {
            let Some(figure) = figure(chapter, histories) else { continue };
            let path = dir.join(format!("{chapter}.png"));
            file::replace(&path, &figure.png()).map_err(|why| unwritable(&path, &why))?;
            writeln!(context.out, "wrote {}", path.display())?;
        }
        Ok(())
    }
}

fn unwritable(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Failure, format!("cannot write {}: {why}", path.display()))
}
