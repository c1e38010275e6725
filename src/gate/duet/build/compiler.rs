//! The compiler of a build: which one cargo starts, and whether it is still the same.

use std::process::Command;

use serde::{Deserialize, Serialize};

use super::Error;

/// A compiler as cargo starts it, behind whatever wrappers, and what it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Compiler {
    words: Vec<String>,
    said: String,
}

impl Compiler {
    /// The one of which cargo says that it runs: settings may name another than the one on the path.
    pub(super) fn of(said: &str) -> Self {
        let line = said.lines().find_map(|line| line.trim_start().strip_prefix("Running `"));
        let command = line.and_then(|line| line.split_once(" --crate-name "));
        let words = words(command.map_or("", |(command, _)| command));
        let said = asked(&words);
        Self { words, said }
    }

    /// Whether it says the same of itself now.
    pub(super) fn is_current(&self) -> bool {
        asked(&self.words) == self.said
    }
}

/// What a compiler says of itself; nothing, if it does not start.
fn asked(words: &[String]) -> String {
    let Some((first, rest)) = words.split_first() else { return String::new() };
    version(Command::new(first).args(rest)).unwrap_or_default()
}

/// What a compiler says of itself.
///
/// # Errors
///
/// If it says nothing, such as one that is not installed.
pub(super) fn version(rustc: &mut Command) -> Result<String, Error> {
    let out = rustc.arg("-vV").output().map_err(Error::NoRustc)?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(Error::SilentRustc { said: super::tail(&out.stderr) })
}

/// The words of a command as cargo writes it: one with blanks is quoted.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in command.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_the_one_that_cargo_says_it_runs() {
        let line = "  Checking probe\n     Running `'/a b/wrap' /c/rustc --crate-name probe x`\n";
        assert_eq!(Compiler::of(line).words, ["/a b/wrap", "/c/rustc"], "behind a wrapper");
        let plain = Compiler::of("     Running `rustc --crate-name probe`\n");
        assert_eq!(plain.words, ["rustc"], "on the path");
        assert!(plain.said.starts_with("rustc 1.") && plain.is_current(), "{plain:?}");
        assert!(!Compiler { said: String::new(), ..plain }.is_current(), "it is another one now");
        assert_eq!(Compiler::of("Finished"), Compiler::default(), "none");
    }

    #[test]
    fn a_compiler_that_fails_is_none() {
        let err = version(Command::new("sh").args(["-c", "echo not installed >&2; exit 1"]));
        let err = err.unwrap_err().to_string();
        assert!(err.contains("`rustc -vV` fails") && err.contains("not installed"), "{err}");
    }
}
