//! Words of a shell line.

/// A word as a POSIX shell reads it: as it is, or quoted where anything in it may mean more.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,~".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() && !word.starts_with('~') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(unix)]
    fn a_shell_reads_every_word_as_it_was() {
        let words = ["main", "HEAD~1", "main@{1 day ago}", "~/it's", "", "$PWD `x` \"\\ *;#", "\n"];
        let line = words.map(super::quoted).join(" ");
        assert!(line.starts_with("main HEAD~1 'main@{1 day ago}' "), "quoted where needed: {line}");
        let mut shell = std::process::Command::new("sh");
        let out = shell.args(["-c", &format!("printf '<%s>' {line}")]).output().unwrap();
        let read = String::from_utf8(out.stdout).unwrap();
        assert_eq!(read, words.map(|word| format!("<{word}>")).concat(), "{line}");
    }
}
