//! Tables as data, and their writers.

/// Rows of fields under a head of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of `rows` under the names `head`.
    ///
    /// # Panics
    ///
    /// If a row has more or fewer fields than there are names.
    pub fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        let head: Vec<_> = head.iter().map(|name| (*name).to_owned()).collect();
        assert!(rows.iter().all(|row| row.len() == head.len()), "a field for each of {head:?}");
        Self { head, rows }
    }

    /// A table of rows whose fields have names: those of the first row are the head.
    ///
    /// # Panics
    ///
    /// If rows have different names.
    pub fn named(rows: Vec<Vec<(String, String)>>) -> Self {
        let mut table = Self::default();
        for row in rows {
            let (names, fields): (Vec<_>, Vec<_>) = row.into_iter().unzip();
            if table.rows.is_empty() {
                table.head = names;
            } else {
                assert_eq!(names, table.head, "rows have different columns");
            }
            table.rows.push(fields);
        }
        table
    }

    /// Plain text: the first column aligned to the left, all others to the right.
    pub fn text(&self) -> String {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width = |k: usize| lines().map(|line| line[k].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for line in lines() {
            let fields: Vec<String> = (0..)
                .zip(line.iter().zip(&widths))
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

    /// Markdown. `sides` has a letter for each column, `l` for left and `r` for right; the last
    /// letter holds for all columns that follow, too.
    ///
    /// # Panics
    ///
    /// If `sides` is empty.
    pub fn markdown(&self, sides: &str) -> String {
        let line = |fields: &[String]| format!("| {} |\n", fields.join(" | "));
        let last = sides.chars().next_back().expect("a letter for the first column");
        let sides = sides.chars().chain(std::iter::repeat(last)).take(self.head.len());
        let rule: String = sides.map(|side| if side == 'r' { "---:|" } else { "---|" }).collect();
        let rows = self.rows.iter().map(|row| line(row));
        line(&self.head) + "|" + &rule + "\n" + &rows.collect::<String>()
    }

    /// A CSV file.
    ///
    /// # Panics
    ///
    /// Never: memory can be written.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for line in std::iter::once(&self.head).chain(&self.rows) {
            writer.write_record(line).expect("memory can be written");
        }
        writer.into_inner().expect("memory can be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<const N: usize>(fields: [&str; N]) -> Vec<String> {
        fields.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest() {
        let table = Table::new(&["n", "x"], vec![fields(["a", "1"]), fields(["bcd", "23"])]);
        assert_eq!(table.text(), "n     x\na     1\nbcd  23\n", "plain");
        let want = "| n | x |\n|---:|---:|\n| a | 1 |\n| bcd | 23 |\n";
        assert_eq!(table.markdown("r"), want, "Markdown, one side for all");
        assert!(table.markdown("lr").contains("|---|---:|\n"), "Markdown, two sides");
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let row = |a: &str, b: &str| vec![("a".into(), a.into()), ("b".into(), b.to_owned())];
        let table = Table::named(vec![row("1", "x"), row("", "y, \"z\"")]);
        let text = String::from_utf8(table.csv()).unwrap();
        assert_eq!(text, "a,b\n1,x\n,\"y, \"\"z\"\"\"\n", "text");
    }

    #[test]
    #[should_panic(expected = "different columns")]
    fn rows_have_the_same_columns() {
        Table::named(vec![vec![("a".into(), "1".into())], vec![("b".into(), "1".into())]]);
    }

    #[test]
    #[should_panic(expected = "a field for each")]
    fn a_row_has_a_field_for_each_column() {
        Table::new(&["a", "b"], vec![fields(["1"])]);
    }
}
