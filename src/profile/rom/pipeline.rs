//! The pipeline of a configuration, and the profile of the models that it made.

use std::io::Write;
use std::path::Path;

use super::find::Wanted;
#[cfg(feature = "figures")]
use super::frames;
use super::names::COMPARISON;
use super::run;
use super::trials::Plan;
use super::{Error, scored};
use crate::file;
use crate::rom::pipeline::{self, Watch};

/// What is run, and whether models are profiled.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The pipeline.
    pub pipeline: pipeline::Options<'a>,
    /// How much is timed, if models are profiled.
    pub plan: Option<Plan>,
    /// Whether there are figures; there are none without the feature `figures`.
    pub figures: bool,
}

/// The scores of a folder.
const SCORES: &str = "test/test_results.csv";
/// Its models.
const MODELS: [&str; 2] = ["MVAR/mvar_model.npz", "LSTM/lstm_state_dict.pt"];

/// Runs the stages that are not finished, then profiles the models if they are newer than their profile.
///
/// # Errors
///
/// Those of [`pipeline::run`] and of [`run::run`].
pub fn run(options: &Options<'_>, watch: Watch<'_>, out: &mut dyn Write) -> Result<(), Error> {
    pipeline::run(&options.pipeline, watch, out)?;
    let (folder, name) = (options.pipeline.folder, options.pipeline.name);
    if !file::is_newer(folder, scored::SUMMARY, &[SCORES]) {
        #[cfg(feature = "figures")]
        if options.figures
            && let Some(figure) = scored::picture::figure(folder, name)?
        {
            write(&folder.join(scored::FIGURE), &figure.png(), out)?;
            if let Some(figure) = scored::picture::densities(folder, name)? {
                write(&folder.join(frames::FIGURE), &figure.png(), out)?;
            }
        }
        // Last, since it says that both are there.
        let text = scored::markdown(folder, name)?;
        write(&folder.join(scored::SUMMARY), text.as_bytes(), out)?;
    }
    // The points go last: where they are, a profile was killed.
    let is_killed = folder.join(run::POINTS).exists();
    let is_profiled = file::is_newer(folder, COMPARISON, &MODELS) && !is_killed;
    let Some(plan) = options.plan.filter(|_| !is_profiled) else { return Ok(()) };
    let profile = run::Options {
        wanted: Wanted { folder: Some(folder.to_owned()), ..Wanted::default() },
        plan,
        experiment_name: options.pipeline.name.to_owned(),
        output: folder.to_owned(),
        train: None,
        scaling: false,
        update_summary: true,
        figures: options.figures,
    };
    run::run(&profile, out)
}

fn write(path: &Path, bytes: &[u8], out: &mut dyn Write) -> Result<(), Error> {
    file::replace(path, bytes).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    writeln!(out, "wrote {}", path.display()).map_err(Error::Print)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::rom::config::{Config, Stage};

    /// With one model, a short plan, and no figures: what counts is what is run when.
    #[test]
    fn models_are_profiled_once_and_again_when_they_are_newer() {
        let text = include_str!("../../../fixtures/rom/tiny.yaml")
            .replace("lstm: {enabled: true", "lstm: {enabled: false");
        let (config, _) = Config::read(&text, false).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("tiny");
        let (file, name, jobs, from) = ("tiny.yaml", "tiny", 1, Stage::Simulate);
        let pipeline = pipeline::Options {
            config: &config,
            text: &text,
            file,
            name,
            folder: &folder,
            jobs,
            from,
        };
        let plan = Some(Plan { n_steps: 10, n_trials: 10, warmup: 1 });
        let options = Options { pipeline, plan, figures: false };
        let ran = |options: &Options<'_>| {
            let mut out = Vec::new();
            run(options, &|_| (), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let wrote = format!("wrote {}", folder.join(COMPARISON).display());
        let without = ran(&Options { plan: None, ..options.clone() });
        assert!(!without.contains(&wrote), "no plan: {without}");
        let scores = fs::read_to_string(folder.join(scored::SUMMARY)).unwrap();
        assert!(scores.starts_with("# tiny\n\n8 modes hold 98"), "{scores}");
        assert_eq!(scores.matches("\n| MVAR |").count(), 3, "means and two runs:\n{scores}");
        #[cfg(feature = "figures")]
        {
            let figure = scored::picture::figure(&folder, "tiny").unwrap().unwrap();
            let titles: Vec<_> = figure.panels.iter().map(|panel| &*panel.title).collect();
            let want = ["R2 over time", "Mass over time", "Singular values", "Order of the swarm"];
            assert_eq!((titles, &*figure.subtitle), (want.to_vec(), "tiny, test_000"));
            let points = |panel: usize, series: usize| &figure.panels[panel].series[series].points;
            assert_eq!(points(0, 0).len(), 71, "the modes alone, from 1.0 to 8.0");
            assert_eq!((points(1, 0).len(), points(1, 0)[0].1), (81, 102.4), "mass");
            assert_eq!((points(2, 0)[0], points(2, 1)[0].0), ((1.0, 1.0), 8.0), "values");
            let frames = scored::picture::densities(&folder, "tiny").unwrap().unwrap();
            let titles: Vec<_> = frames.panels.iter().map(|panel| &*panel.title).collect();
            let want = ["Truth at 2.7", "MVAR at 2.7", "Truth at 8", "MVAR at 8"];
            assert_eq!(titles, want, "densities");
            assert!(points(3, 0).len() == 81 && points(3, 2)[80].1 <= 0.5, "order");
        }
        let said = ran(&options);
        assert!(said.contains(&wrote) && said.contains("updated "), "{said}");
        for name in ["MVAR/runtime_profile.json", "pipeline_summary.json", "runtime_summary.md"] {
            assert!(folder.join(name).is_file(), "{name}");
        }
        let summary = fs::read(folder.join("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        let name = summary.pointer("/runtime_analysis/profiles/0/model_name");
        assert_eq!(name, Some(&"MVAR".into()), "in the summary");
        assert!(!ran(&options).contains(&wrote), "once");
        let kept = fs::read(folder.join("summary.json")).unwrap();
        let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(kept["runtime_analysis"], summary["runtime_analysis"], "it stays there");
        let model = fs::File::options().append(true).open(folder.join(MODELS[0])).unwrap();
        model.set_modified(SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
        assert!(ran(&options).contains(&wrote), "of a newer model");
    }
}
