//! A header that holds its names in one cell: the file was saved with another delimiter, as spreadsheets of other countries do.

use crate::layout::folded;

/// Marks that cut text files.
const MARKS: [char; 4] = [';', ',', '\t', '|'];

/// What is said of a header that lacks names and has them where it is cut elsewhere; `wanted`: of each the names that it may have.
pub(crate) fn hint<'a>(header: &[String], wanted: impl IntoIterator<Item = Vec<&'a str>>) -> Option<String> {
    let longest = header.iter().max_by_key(|name| name.len())?;
    let wanted: Vec<Vec<String>> = wanted.into_iter().map(|names| names.into_iter().map(folded).collect()).collect();
    let hits = |mark: char| {
        let pieces: Vec<String> = longest.split(mark).map(|piece| folded(piece.trim().trim_matches('"'))).collect();
        wanted.iter().filter(|names| names.iter().any(|name| pieces.contains(name))).count()
    };
    // Less is no other delimiter but another header.
    let mark = MARKS.into_iter().find(|mark| longest.contains(*mark) && hits(*mark) >= 2 && hits(*mark) * 2 >= wanted.len())?;
    Some(format!(
        "its header has them where it is cut at {mark:?}: the file was saved with another delimiter, most likely by a spreadsheet; ask for the file as it was exported, or say delimiter = \"{}\"",
        mark.escape_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn names_in_one_cell_are_cut_elsewhere() {
        let hint = |header: &[&str], wanted: &[&str]| {
            let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
            hint(&header, wanted.iter().map(|name| vec![*name])).map(|hint| hint.split(':').next().unwrap().to_owned())
        };
        let cut = |mark: &str| Some(format!("its header has them where it is cut at {mark}"));
        assert_eq!(hint(&["Date;App;\"Net\""], &["date", "app", "net", "gross"]), cut("';'"));
        assert_eq!(hint(&["Date;Net (USD", " EUR);App"], &["date", "app"]), None);
        assert_eq!(hint(&["Date\tApp"], &["date", "app"]), cut("'\\t'"));
        assert_eq!(hint(&["Day", "Name"], &["date", "app"]), None);
        assert_eq!(hint(&["Date;App"], &["date", "units", "net", "gross", "fee"]), None);
        assert_eq!(hint(&[], &["date"]), None);
    }
}
