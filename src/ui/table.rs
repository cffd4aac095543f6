//! Plain tables for people: columns as wide as their widest cell, two spaces apart.

/// A heading and rows of the same length, each line ending with a line feed.
#[must_use]
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["s3g1".to_owned(), "UP".to_owned()], ["s3g10".to_owned(), String::new()]];
        assert_eq!(super::table(["GATEWAY", "STATE"], &rows), "GATEWAY  STATE\ns3g1     UP\ns3g10\n");
    }
}
