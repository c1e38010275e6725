//! The summary of a run of steps that users of LAMMPS know: loop time, rates, and a table of phases.
//!
//! A phase is a region of code; phases do not overlap, and with `Other`, which is the rest, they add
//! up to the loop. LAMMPS has minimum and maximum over processors; here they are over calls, for
//! there is one processor.

use super::extended::{self, Extended};
use crate::draw::Table;
use crate::draw::numbers::{count, short, three_digits, time};

/// Seconds of a day, by nanoseconds of a picosecond.
const NS_DAY: f64 = 86_400.0 / 1_000.0;

/// The time of one region of code over all steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How often it ran.
    pub calls: u64,
    /// The shortest call, in seconds; infinite where there is none.
    pub min_seconds: f64,
    /// The longest call, in seconds.
    pub max_seconds: f64,
    /// All calls, in seconds.
    pub total_seconds: f64,
}

impl Phase {
    /// A phase that has not run.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            calls: 0,
            min_seconds: f64::INFINITY,
            max_seconds: 0.0,
            total_seconds: 0.0,
        }
    }

    /// Counts a call of so many seconds.
    pub fn add(&mut self, seconds: f64) {
        self.calls += 1;
        self.min_seconds = self.min_seconds.min(seconds);
        self.max_seconds = self.max_seconds.max(seconds);
        self.total_seconds += seconds;
    }

    /// The mean call in seconds; 0 where there is none.
    pub fn mean_seconds(&self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.total_seconds / self.calls as f64 }
    }
}

/// What became of the list of neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lists {
    /// Neighbours of an atom within the cutoff.
    pub neighbours_per_atom: f64,
    /// How often the list was built from nothing.
    pub builds: u64,
    /// How often it was pruned, builds included, where it can be.
    pub prunings: Option<u64>,
    /// Builds that came too late: an atom had moved more than half the skin.
    pub dangerous_builds: u64,
}

/// A run of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    /// Atoms.
    pub atoms: usize,
    /// Steps.
    pub steps: u64,
    /// Length of a step in ps; none where atoms move from frame to frame of a file.
    pub dt_ps: Option<f64>,
    /// Time of all steps on the clock, in seconds.
    pub seconds: f64,
    /// Time of all steps on the processor, in seconds, where it is known.
    pub cpu_seconds: Option<f64>,
    /// Threads that the steps ran on.
    pub threads: usize,
    /// The phases in order.
    pub phases: Vec<Phase>,
    /// The list of neighbours, where there is one.
    pub lists: Option<Lists>,
}

impl Loop {
    /// The steps of a profile, those of all repeats; the time of the processor is that which the
    /// thread was not kept waiting for.
    pub fn of(extended: &Extended) -> Self {
        let Extended { latency, trajectory, neighbours, phases, .. } = extended;
        let seconds = 1e-3 * extended.steps_ms;
        let phase = |phase: &extended::Phase| Phase {
            name: phase.name.clone(),
            calls: phase.calls as u64,
            min_seconds: 1e-3 * phase.min_ms,
            max_seconds: 1e-3 * phase.max_ms,
            total_seconds: 1e-3 * phase.total_ms,
        };
        Self {
            atoms: trajectory.n_atoms,
            steps: latency.steps as u64,
            dt_ps: trajectory.dt_ps,
            seconds,
            cpu_seconds: Some(seconds - 1e-9 * latency.waited_ns as f64),
            threads: 1,
            // The rest is computed from the loop.
            phases: phases.iter().filter(|phase| phase.name != "other").map(phase).collect(),
            lists: Some(Lists {
                neighbours_per_atom: neighbours.per_atom,
                builds: neighbours.builds,
                prunings: Some(neighbours.prunings).filter(|count| *count > 0),
                dangerous_builds: neighbours.dangerous_builds,
            }),
        }
    }

    /// Steps in a second; none where no time was taken.
    pub fn steps_per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.steps as f64 / self.seconds)
    }

    /// Nanoseconds of the atoms in a day of the clock.
    pub fn ns_per_day(&self) -> Option<f64> {
        Some(self.steps_per_second()? * self.dt_ps? * NS_DAY)
    }

    /// The rest of the loop, which is in no phase.
    pub fn other_seconds(&self) -> f64 {
        self.seconds - self.phases.iter().map(|phase| phase.total_seconds).sum::<f64>()
    }

    /// The table of phases, with `Other` below.
    pub(super) fn table(&self) -> Table {
        let share = |seconds: f64| match self.seconds > 0.0 {
            true => format!("{:.2}", 100.0 * seconds / self.seconds),
            false => "-".to_owned(),
        };
        let seconds = |seconds: f64| time(1e9 * seconds);
        let row = |phase: &Phase| {
            let of = |value: f64| if phase.calls == 0 { "-".to_owned() } else { seconds(value) };
            vec![
                phase.name.clone(),
                phase.calls.to_string(),
                of(phase.min_seconds),
                of(phase.mean_seconds()),
                of(phase.max_seconds),
                seconds(phase.total_seconds),
                share(phase.total_seconds),
            ]
        };
        let mut rows: Vec<_> = self.phases.iter().map(row).collect();
        // Phases that overlap would leave less than nothing: that is shown, not hidden.
        let (other, none) = (self.other_seconds(), || "-".to_owned());
        let sign = if other < 0.0 { "-" } else { "" };
        let total = format!("{sign}{}", seconds(other.abs()));
        rows.push(vec!["Other".to_owned(), none(), none(), none(), none(), total, share(other)]);
        Table::new(&["phase", "calls", "min", "avg", "max", "total", "%total"], rows)
    }
}

/// The summary as lines of text.
pub fn text(run: &Loop) -> String {
    let Loop { atoms, steps, threads, seconds, .. } = *run;
    let on = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    let mut text = format!(
        "Loop time of {} on {on} for {steps} steps with {atoms} atoms\n\n",
        time(1e9 * seconds)
    );
    if let Some(rate) = run.steps_per_second() {
        let of_atoms = run.ns_per_day().map_or_else(String::new, |ns| {
            format!("{} ns/day, {} hours/ns, ", three_digits(ns), short(24.0 / ns))
        });
        let rates = [three_digits(rate), scaled(rate * atoms as f64)];
        text +=
            &format!("Performance: {of_atoms}{} timesteps/s, {}atom-step/s\n", rates[0], rates[1]);
    }
    if let Some(cpu) = run.cpu_seconds.filter(|_| seconds > 0.0) {
        text += &format!("{:.1} % CPU use with {on}\n", 100.0 * cpu / seconds);
    }
    text += &format!("\n{}", run.table().text());
    if let Some(lists) = run.lists {
        text += &format!("\nNeighbours per atom: {:.2}\n", lists.neighbours_per_atom);
        text += &format!("Neighbour list builds: {}\n", lists.builds);
        if let Some(prunings) = lists.prunings {
            text += &format!("Neighbour list prunings: {prunings}\n");
        }
        text += &format!("Dangerous builds: {}\n", lists.dangerous_builds);
    }
    text
}

/// A rate with its prefix next to the unit that follows: `4.25 M`.
fn scaled(rate: f64) -> String {
    let text = count(rate);
    if text.ends_with(char::is_alphabetic) { text } else { text + " " }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(name: &str, calls: &[f64]) -> Phase {
        let mut phase = Phase::new(name);
        calls.iter().for_each(|seconds| phase.add(*seconds));
        phase
    }

    fn run() -> Loop {
        Loop {
            atoms: 512,
            steps: 4,
            dt_ps: Some(0.001),
            seconds: 1e-3,
            cpu_seconds: Some(0.95e-3),
            threads: 1,
            phases: vec![
                phase("Neigh", &[50e-6, 150e-6]),
                phase("Pair", &[100e-6, 100e-6, 100e-6, 300e-6]),
                phase("Output", &[]),
            ],
            lists: Some(Lists {
                neighbours_per_atom: 27.5,
                builds: 1,
                prunings: Some(1),
                dangerous_builds: 0,
            }),
        }
    }

    #[test]
    fn rates_are_those_of_lammps_for_metal_units() {
        let text = text(&run());
        // 4 fs in 1 ms: 4e-6 ns in 1.157e-8 days, 345.6 ns a day.
        let want = "Performance: 346 ns/day, 0.06944 hours/ns, 4000 timesteps/s, 2.05 Matom-step/s";
        assert!(text.contains(want), "{text}");
        assert!(text.starts_with("Loop time of 1.00 ms on 1 thread for 4 steps with 512 atoms\n"));
        assert!(text.contains("\n95.0 % CPU use with 1 thread\n"), "{text}");
        for line in [
            "Neighbours per atom: 27.50",
            "Neighbour list builds: 1",
            "Neighbour list prunings: 1",
            "Dangerous builds: 0",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` in\n{text}");
        }
    }

    #[test]
    fn phases_and_the_rest_add_up_to_the_loop() {
        let text = text(&run());
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let row = |name: &str| -> Vec<&str> {
            let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{text}"));
            row.iter().filter(|field| !field.is_empty()).copied().collect()
        };
        let pair = ["Pair", "4", "100 us", "150 us", "300 us", "600 us", "60.00"];
        assert_eq!(row("Pair"), pair, "{text}");
        assert_eq!(row("Output")[1..], ["0", "-", "-", "-", "0.00 ns", "0.00"], "{text}");
        assert_eq!(row("Other")[1..], ["-", "-", "-", "-", "200 us", "20.00"], "{text}");
        let shares = ["Neigh", "Pair", "Output", "Other"].map(|name| row(name)[6]);
        let sum: f64 = shares.iter().map(|share| share.parse::<f64>().unwrap()).sum();
        assert!((sum - 100.0).abs() < 0.03, "{shares:?}");
    }

    #[test]
    fn phases_that_overlap_are_shown() {
        let mut run = run();
        run.phases.push(phase("Modify", &[300e-6]));
        assert!(text(&run).contains("-100 us  -10.00"), "{}", text(&run));
        let none = Loop { steps: 0, seconds: 0.0, phases: Vec::new(), lists: None, ..run };
        let text = text(&none);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
