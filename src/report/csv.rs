//! Named columns as a CSV file.

/// The fields of one row: a column's name and its value, in order.
pub type Row = Vec<(String, String)>;

/// `rows` under a line of the names of their columns.
///
/// # Panics
///
/// If rows have different columns.
pub fn csv(rows: &[Row]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = |row: &'_ Row| row.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let head = rows.first().map(names).unwrap_or_default();
    writer.write_record(&head).expect("memory can be written");
    for row in rows {
        assert_eq!(names(row), head, "rows have different columns");
        writer.write_record(row.iter().map(|(_, value)| value)).expect("memory can be written");
    }
    writer.into_inner().expect("memory can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let row = |a: &str, b: &str| vec![("a".into(), a.into()), ("b".into(), b.to_owned())];
        let text = String::from_utf8(csv(&[row("1", "x"), row("", "y, \"z\"")])).unwrap();
        assert_eq!(text, "a,b\n1,x\n,\"y, \"\"z\"\"\"\n", "text");
    }

    #[test]
    #[should_panic(expected = "different columns")]
    fn rows_have_the_same_columns() {
        csv(&[vec![("a".into(), "1".into())], vec![("b".into(), "1".into())]]);
    }
}
