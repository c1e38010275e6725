//! What a configuration would run: how many runs and frames, how much disk, and how long it takes here.
//!
//! Times are those of short samples: some steps of the swarm, some frames of its density, some batches of
//! a network. A decomposition and an evaluation are not sampled; they are short beside these.

use std::path::Path;
use std::time::{Duration, Instant};

use ndarray::Array3;

use super::Error;
use super::tree::Set;
use crate::lstm::train::{Session, Windows};
use crate::rom::config::{Config, Lstm, Runs};
use crate::rom::density::Density;
use crate::rom::fit::Lag;
use crate::rom::pod::Modes;
use crate::rom::swarm;

/// The least time of a sample.
const SAMPLE: Duration = Duration::from_millis(100);

/// The modes where their number comes from an energy.
const MODES: usize = 20;

/// Lines that say it.
///
/// # Errors
///
/// If a sample fails.
pub fn lines(config: &Config, folder: &Path, jobs: usize) -> Result<Vec<String>, Error> {
    let mut lines = vec![format!("folder: {}", folder.display())];
    let per_step = step_seconds(&config.train)?;
    let per_frame = frame_seconds(config)?;
    let (mut bytes, mut seconds) = (0.0, 0.0);
    for (set, runs) in [(Set::Train, &config.train), (Set::Test, &config.test)] {
        let (swarm, count) = (&runs.swarm, runs.runs.len());
        let (steps, frames) = (swarm.steps(), swarm.frames());
        lines.push(format!(
            "{}: {count} runs of {} particles, {steps} steps and {frames} frames each",
            set.name(),
            swarm.particles
        ));
        let cells = config.grid[0] * config.grid[1];
        let forecasts = if set == Set::Test { models(config) } else { 0 };
        let taken = frames.div_ceil(config.pod.subsample);
        let frame = number(frames) * (number(cells) * 8.0 + number(swarm.particles) * 16.0)
            + number(forecasts * taken) * number(cells) * 8.0;
        bytes += number(count) * frame;
        seconds += number(count) * (number(steps) * per_step + number(frames) * per_frame);
    }
    let frames = config.train.swarm.frames().div_ceil(config.pod.subsample);
    let snapshots = frames * config.train.runs.len();
    let [nx, ny] = config.grid;
    lines
        .push(format!("pod: {snapshots} frames of {ny} x {nx} cells, {}", modes(config.pod.modes)));
    if let Some(mvar) = &config.mvar {
        let lag = match mvar.lag {
            Lag::States(lag) => lag.to_string(),
            Lag::By(criterion) => format!("by {}", criterion.name()),
        };
        lines.push(format!("mvar: lag {lag}, ridge_alpha {}", mvar.ridge_alpha));
    }
    let training = match &config.lstm {
        None => 0.0,
        Some(lstm) => {
            let windows = config.train.runs.len() * frames.saturating_sub(lstm.lag);
            let epoch = epoch_seconds(config, lstm, windows)?;
            let most = lstm.training.max_epochs;
            lines.push(format!(
                "lstm: {} layers of {} units, {windows} windows of {} states, at most {most} epochs \
                 of {}",
                lstm.training.num_layers,
                lstm.training.hidden_units,
                lstm.lag,
                time(epoch)
            ));
            epoch * number(most)
        }
    };
    lines.push(format!("disk: about {:.0} MB", (bytes / 1e6).ceil()));
    let simulation = seconds / number(jobs.max(1));
    let trained = if training > 0.0 {
        format!(", training at most {}", time(training))
    } else {
        String::new()
    };
    lines.push(format!("time: simulation about {} on {jobs} threads{trained}", time(simulation)));
    Ok(lines)
}

fn models(config: &Config) -> usize {
    usize::from(config.mvar.is_some()) + usize::from(config.lstm.is_some())
}

fn modes(modes: Modes) -> String {
    match modes {
        Modes::Fixed(modes) => format!("{modes} modes"),
        Modes::Energy(part) => format!("the modes of {part} of the energy"),
    }
}

/// Seconds of a step of the swarm.
fn step_seconds(runs: &Runs) -> Result<f64, Error> {
    let of = |steps: usize| -> Result<f64, Error> {
        let start = runs.runs.first().map_or(runs.swarm.start, |run| run.start);
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let duration = runs.swarm.dt * steps as f64;
        let swarm = swarm::Config { start, duration, save_every: steps, ..runs.swarm };
        let begin = Instant::now();
        swarm::run(&swarm, 0)
            .map_err(|source| Error::Swarm { run: "train_000".to_owned(), source })?;
        Ok(begin.elapsed().as_secs_f64())
    };
    sampled(runs.swarm.steps(), of)
}

/// Seconds of a frame of the density.
fn frame_seconds(config: &Config) -> Result<f64, Error> {
    let unfit = |source| Error::Density { run: "outputs".to_owned(), source };
    let swarm = &config.train.swarm;
    let mut density = Density::new(&swarm.domain, config.grid, config.bandwidth).map_err(unfit)?;
    let [ny, nx] = density.shape();
    let (x, mut frame) = (vec![[0.0; 2]; swarm.particles], vec![0.0; ny * nx]);
    sampled(usize::MAX, |frames| {
        let begin = Instant::now();
        (0..frames).for_each(|_| density.frame(&x, &mut frame));
        Ok(begin.elapsed().as_secs_f64())
    })
}

/// Seconds of an epoch over so many windows.
fn epoch_seconds(config: &Config, lstm: &Lstm, windows: usize) -> Result<f64, Error> {
    let d = match config.pod.modes {
        Modes::Fixed(modes) => modes,
        Modes::Energy(_) => MODES,
    };
    let n = windows.clamp(2, 2 * lstm.training.batch_size.max(1));
    let after = lstm.training.states_after();
    let value = |i: usize| number(i * 7919 % 101) / 50.0 - 1.0;
    let states = |rows: usize| {
        Array3::from_shape_fn((n, rows, d), |(i, t, k)| value(i * 31 + t * 7 + k * 3 + 1))
    };
    let windows_of_sample = Windows::new(states(lstm.lag), states(after))?;
    let mut session = Session::new(&lstm.training, &windows_of_sample)?;
    let taken = sampled(usize::MAX, |epochs| {
        let begin = Instant::now();
        (0..epochs).for_each(|_| {
            session.epoch(|_| std::ops::ControlFlow::Continue(()));
        });
        Ok(begin.elapsed().as_secs_f64())
    })?;
    Ok(taken * number(windows) / number(n))
}

/// Seconds of one of many, of a sample that doubles until it is long enough or all of them.
fn sampled(all: usize, mut of: impl FnMut(usize) -> Result<f64, Error>) -> Result<f64, Error> {
    let mut count = 1;
    loop {
        let seconds = of(count)?;
        if seconds >= SAMPLE.as_secs_f64() || count >= all {
            return Ok(seconds / number(count));
        }
        count = (2 * count).min(all);
    }
}

fn time(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.2} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let whole = Duration::from_secs(seconds as u64);
    humantime::format_duration(whole).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "estimates")]
fn number(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_configuration() {
        let text = include_str!("../../../fixtures/rom/tiny.yaml");
        let (config, _) = Config::read(text, false).unwrap();
        let lines = lines(&config, Path::new("out/tiny"), 2).unwrap().join("\n");
        for words in [
            "folder: out/tiny",
            "train: 6 runs of 40 particles, 60 steps and 61 frames each",
            "test: 2 runs of 40 particles, 80 steps and 81 frames each",
            "pod: 366 frames of 16 x 16 cells, 8 modes",
            "mvar: lag 5, ridge_alpha 0.0001",
            "lstm: 1 layers of 16 units, 336 windows of 5 states, at most 15 epochs of ",
            // 6 x 61 x (2048 + 640) + 2 x 81 x (2048 + 640) + 2 x 2 x 81 x 2048 bytes.
            "disk: about 3 MB",
            "time: simulation about ",
        ] {
            assert!(lines.contains(words), "{words}:\n{lines}");
        }
    }

    #[test]
    fn a_sample_grows_until_it_is_long_enough_or_all_of_them() {
        let mut asked = Vec::new();
        let per = sampled(1000, |count| {
            asked.push(count);
            Ok(number(count) * 0.03)
        });
        assert_eq!((per.unwrap(), asked), (0.03, vec![1, 2, 4]), "from 0.1 s on");
        let mut asked = Vec::new();
        let per = sampled(3, |count| {
            asked.push(count);
            Ok(number(count) * 0.001)
        });
        assert!((per.unwrap() - 0.001).abs() < 1e-12 && asked == [1, 2, 3], "{asked:?}");
        assert_eq!((time(1.234), time(65.4)), ("1.23 s".to_owned(), "1m 5s".to_owned()));
    }
}
