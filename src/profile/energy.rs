//! Energy of the processor by its own counters (RAPL), less what it takes when idle.
//!
//! The counters are of whole packages: what else runs on them counts, too.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Where the kernel shows the counters.
pub const COUNTERS: &str = "/sys/class/powercap";
/// How long the processor idles, and then works.
pub const SPAN: Duration = Duration::from_millis(500);

/// Energy that some work took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Joules of a million steps, less those of idling for as long.
    pub joules_per_million_steps: f64,
    /// Watts of the processor when idle.
    pub idle_watts: f64,
    /// Seconds of the work.
    pub seconds: f64,
    /// Steps of the work.
    pub steps: u64,
}

/// A counter of a package in microjoules, and where it starts again.
struct Counter {
    file: std::path::PathBuf,
    range: u64,
}

fn number(file: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    text.trim().parse().map_err(|_| format!("{}: no number", file.display()))
}

/// The counters of all packages below a folder.
fn counters(folder: &Path) -> Result<Vec<Counter>, String> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut zones: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    zones.sort();
    // `intel-rapl:0` is a package, `intel-rapl:0:0` a part of one.
    let is_package = |zone: &&std::path::PathBuf| {
        let name = zone.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("intel-rapl:") && name.matches(':').count() == 1
    };
    let counter = |zone: &std::path::PathBuf| {
        let file = zone.join("energy_uj");
        number(&file)?;
        Ok(Counter { file, range: number(&zone.join("max_energy_range_uj"))? })
    };
    let found: Vec<_> =
        zones.iter().filter(is_package).map(counter).collect::<Result<_, String>>()?;
    if found.is_empty() {
        return Err(format!("{}: no intel-rapl package", folder.display()));
    }
    Ok(found)
}

/// Joules and seconds that `run` took.
fn taken(counters: &[Counter], run: impl FnOnce()) -> Result<(f64, f64), String> {
    let read = || counters.iter().map(|c| number(&c.file)).collect::<Result<Vec<_>, _>>();
    let (before, start) = (read()?, Instant::now());
    run();
    let (after, seconds) = (read()?, start.elapsed().as_secs_f64());
    let moved = counters.iter().zip(before.iter().zip(&after)).map(|(counter, (from, to))| {
        if to >= from { to - from } else { to + counter.range.saturating_sub(*from) }
    });
    Ok((moved.sum::<u64>() as f64 / 1e6, seconds))
}

/// Measures `run`, which takes so many steps each time, for as long as `span`, by the counters below
/// `folder`.
///
/// # Errors
///
/// Says which counter cannot be read.
pub fn measure(
    folder: &Path,
    span: Duration,
    mut run: impl FnMut() -> u64,
) -> Result<Energy, String> {
    let counters = counters(folder)?;
    let (idle, idled) = taken(&counters, || thread::sleep(span))?;
    let mut steps = 0;
    let (joules, seconds) = taken(&counters, || {
        let start = Instant::now();
        while start.elapsed() < span {
            steps += run();
        }
    })?;
    let idle_watts = idle / idled.max(1e-9);
    let joules_per_million_steps = (joules - idle_watts * seconds) / steps.max(1) as f64 * 1e6;
    Ok(Energy { joules_per_million_steps, idle_watts, seconds, steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, name: &str, microjoules: u64) {
        let zone = folder.join(name);
        fs::create_dir_all(&zone).unwrap();
        fs::write(zone.join("energy_uj"), format!("{microjoules}\n")).unwrap();
        fs::write(zone.join("max_energy_range_uj"), "1000000\n").unwrap();
    }

    #[test]
    fn packages_are_added_up_and_a_counter_may_start_again() {
        let dir = tempfile::tempdir().unwrap();
        zone(dir.path(), "intel-rapl:0", 999_000);
        zone(dir.path(), "intel-rapl:1", 5);
        zone(dir.path(), "intel-rapl:1:0", 77);
        let mut moved = 0;
        let got = measure(dir.path(), Duration::from_millis(1), || {
            moved += 1;
            zone(dir.path(), "intel-rapl:0", 1000 * (moved - 1));
            zone(dir.path(), "intel-rapl:1", 5 + 1000 * moved);
            zone(dir.path(), "intel-rapl:1:0", 1000 * moved);
            10
        });
        // A thousand microjoules of each package in each call of ten steps, and none when idle.
        let got = got.unwrap();
        assert_eq!((got.idle_watts, got.steps % 10), (0.0, 0), "{got:?}");
        assert!((got.joules_per_million_steps - 200.0).abs() < 1e-9, "{got:?}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let why = |folder: &Path| measure(folder, Duration::ZERO, || 1).unwrap_err();
        assert!(why(&dir.path().join("none")).contains("none: No such file"), "folder");
        assert!(why(dir.path()).contains("no intel-rapl package"), "packages");
        fs::create_dir(dir.path().join("intel-rapl:0")).unwrap();
        assert!(why(dir.path()).contains("intel-rapl:0/energy_uj: "), "counter");
    }
}
