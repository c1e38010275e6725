//! Progress on a terminal, and nothing anywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Steps done, of a known number; wiped when dropped.
#[derive(Debug)]
pub struct Progress {
    done: usize,
    steps: usize,
    shown: bool,
}

impl Progress {
    /// A bar of so many steps, of which none is done.
    pub fn new(steps: usize) -> Self {
        Self { done: 0, steps, shown: io::stderr().is_terminal() }
    }

    /// Shows that the next step begins.
    pub fn step(&mut self, name: &str) {
        if self.shown {
            let bar = bar(self.done, self.steps);
            // A bar that cannot be drawn is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{bar} {name}");
            let _ = io::stderr().flush();
        }
        self.done += 1;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A line of a terminal that says where something stands, ten times a second at most; wiped when
/// dropped.
#[derive(Debug)]
pub struct Line {
    is_seen: bool,
    shown: Option<Instant>,
}

impl Line {
    /// An empty line.
    #[expect(clippy::new_without_default, reason = "it looks at the terminal")]
    pub fn new() -> Self {
        Self { is_seen: io::stderr().is_terminal(), shown: None }
    }

    /// Shows a text.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        let is_fresh = |at: Instant| at.elapsed() < Duration::from_millis(100);
        if self.is_seen && !self.shown.is_some_and(is_fresh) {
            // Cut off where the terminal ends. A line that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K\x1b[?7l{}\x1b[?7h", text());
            self.shown = Some(Instant::now());
        }
    }

    /// Empties it, for other text to stand there.
    pub fn wipe(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn bar(done: usize, steps: usize) -> String {
    let filled = (30 * done / steps.max(1)).min(30);
    format!("[{:<30}] {done}/{steps}", "#".repeat(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_up() {
        assert_eq!(bar(0, 2), format!("[{}] 0/2", " ".repeat(30)), "none");
        assert_eq!(bar(1, 2), format!("[{}{}] 1/2", "#".repeat(15), " ".repeat(15)), "half");
        assert_eq!(bar(5, 2), format!("[{}] 5/2", "#".repeat(30)), "never longer");
    }
}
