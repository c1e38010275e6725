//! Tables of aligned columns, and numbers as a reader wants them.

use super::markdown;

/// The columns `head` and `rows`, aligned to the right, the first to the left.
pub fn aligned(head: &[&str], rows: &[Vec<String>]) -> String {
    let head = head.iter().map(|name| (*name).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|k| lines.iter().filter_map(|line| line.get(k)).map(String::len).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        let fields: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(k, (field, &width))| match k {
                0 => format!("{field:<width$}"),
                _ => format!("{field:>width$}"),
            })
            .collect();
        text += fields.join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// The columns `head` and `rows` as a Markdown table, all aligned to the right.
pub fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |fields: Vec<&str>| format!("| {} |\n", fields.join(" | "));
    let mut text = line(head.to_vec()) + &format!("|{}\n", "---:|".repeat(head.len()));
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

/// A time with three significant digits and the unit that fits.
pub fn time(seconds: f64) -> String {
    markdown::time(1e9 * seconds)
}

/// A rate or count with three significant digits: `12.3 M`.
pub fn count(value: f64) -> String {
    let prefixes = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];
    let found = prefixes.into_iter().find(|(size, _)| value >= *size);
    let (size, prefix) = found.unwrap_or((1.0, ""));
    format!("{}{prefix}", markdown::three_digits(value / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["bcd".to_owned(), "23".to_owned()]];
        assert_eq!(aligned(&["n", "x"], &rows), "n     x\na     1\nbcd  23\n", "plain");
        let want = "| n | x |\n|---:|---:|\n| a | 1 |\n| bcd | 23 |\n";
        assert_eq!(markdown(&["n", "x"], &rows), want, "Markdown");
    }

    #[test]
    fn three_digits() {
        assert_eq!([0.5, 999.0, 1234.0, 5.67e9].map(count), ["0.50", "999", "1.23 k", "5.67 G"]);
        assert_eq!(time(1.5e-6), "1.50 us", "time");
    }
}
