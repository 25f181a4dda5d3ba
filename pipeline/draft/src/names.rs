//! Names: of columns from headers, of exports from parts, and the pattern of a file's name with its named groups.

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// `Customer Country` and `CustomerCountry` → `customer_country`.
pub(crate) fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    let plain = text.nfd().filter(|character| !('\u{300}'..='\u{36f}').contains(character));
    let characters: Vec<char> = plain.flat_map(latin).collect();
    for (at, character) in characters.iter().copied().enumerate() {
        if !character.is_ascii_alphanumeric() {
            if !name.is_empty() && !name.ends_with('_') && character != '\'' && character != '’' {
                name.push('_');
            }
        } else {
            let next_lower = characters.get(at + 1).is_some_and(char::is_ascii_lowercase);
            let starts = character.is_ascii_uppercase() && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && next_lower));
            if starts && !name.ends_with('_') && !name.is_empty() {
                name.push('_');
            }
            name.push(character.to_ascii_lowercase());
        }
        before = character;
    }
    let name = name.trim_matches('_');
    match name.chars().next() {
        None => "column".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{name}"),
        Some(_) => name.to_owned(),
    }
}

/// A letter in those of English: Cyrillic ones as they sound, and Latin ones that are more than a letter with an accent.
fn latin(character: char) -> Vec<char> {
    const CYRILLIC: &str = "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya";
    const FROM: u32 = 'а' as u32;
    let small = character.to_lowercase().next().unwrap_or(character);
    let text = match small {
        'а'..='я' => CYRILLIC.split(' ').nth((u32::from(small) - FROM) as usize).unwrap_or_default(),
        'ß' => "ss",
        'ø' => "o",
        'ł' => "l",
        'æ' => "ae",
        'đ' => "d",
        'ı' => "i",
        'і' => "i",
        'є' => "ye",
        _ => return vec![character],
    };
    let upper = |(at, letter): (usize, char)| if at == 0 && small != character { letter.to_ascii_uppercase() } else { letter };
    text.chars().enumerate().map(upper).collect()
}

/// A channel's name from that of a file: its words without numbers and territories.
pub fn channel_name(file: &str) -> String {
    let last = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match plain_words(last.split('.').next().unwrap_or(last)).as_str() {
        "column" => "channel".to_owned(),
        name => name.to_owned(),
    }
}

/// The words of a name without numbers and territories.
pub(crate) fn plain_words(stem: &str) -> String {
    let word = |word: &&str| {
        let territory = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        let month = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].contains(&word.to_lowercase().as_str());
        !(word.is_empty() || territory || month || word.bytes().any(|byte| byte.is_ascii_digit()))
    };
    snake(&stem.split(|character: char| !character.is_alphanumeric()).filter(word).collect::<Vec<_>>().join("_"))
}

/// A name that none of the others is.
pub(crate) fn unique(name: &str, taken: &[String]) -> String {
    let free = |name: &String| !taken.contains(name) && !["period_month", "_line"].contains(&name.as_str());
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap_or_default()
}

/// A file's name as a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePattern {
    pub pattern: String,
    /// Group, its text in the sample, and the formats of dates that it may have.
    pub groups: Vec<(String, String, Vec<&'static str>)>,
}

type Moving = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// What of a name changes from file to file: group, form, pattern of its group, formats.
const MOVING: [Moving; 17] = [
    ("created", r"(?:19|20)\d{6}T\d{6}Z?", r"\d{8}T\d{6}Z?", &[]),
    ("date", r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", r"\d{4}-\d{2}-\d{2}", &["%Y-%m-%d"]),
    ("date", r"(?:19|20)\d{2}_(?:0[1-9]|1[0-2])_(?:0[1-9]|[12]\d|3[01])", r"\d{4}_\d{2}_\d{2}", &["%Y_%m_%d"]),
    ("date", r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", r"\d{8}", &["%Y%m%d"]),
    (
        "date",
        r"(?:0?[1-9]|[12]\d|3[01])[-_.](?:0?[1-9]|[12]\d|3[01])[-_.](?:19|20)\d{2}",
        r"\d{1,2}[-_.]\d{1,2}[-_.]\d{4}",
        &["%m_%d_%Y", "%d_%m_%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y"],
    ),
    ("period", r"(?:19|20)\d{2}[-_](?:0[1-9]|1[0-2])", r"\d{4}[-_]\d{2}", &["%Y-%m", "%Y_%m"]),
    ("period", r"(?:0[1-9]|1[0-2])[-_.](?:19|20)\d{2}", r"\d{2}[-_.]\d{4}", &["%m-%Y", "%m_%Y", "%m.%Y"]),
    ("period", r"(?:19|20)\d{2}[-_ ]?Q[1-4]", r"\d{4}[-_ ]?Q[1-4]", &["%Y-Q%q", "%YQ%q", "%Y_Q%q", "%Y Q%q"]),
    ("period", r"Q[1-4][-_ ]?(?:19|20)\d{2}", r"Q[1-4][-_ ]?\d{4}", &["Q%q-%Y", "Q%q%Y", "Q%q_%Y", "Q%q %Y"]),
    ("period", r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])", r"\d{6}", &["%Y%m"]),
    ("period", r"(?i:MONTH)[-_ ]?(?:19|20)\d{2}", r"[A-Za-z]{3,9}[-_ ]?\d{4}", &["%b-%Y", "%b_%Y", "%b %Y", "%b%Y"]),
    ("period", r"(?:19|20)\d{2}[-_ ]?(?i:MONTH)", r"\d{4}[-_ ]?[A-Za-z]{3,9}", &["%Y-%b", "%Y_%b", "%Y %b", "%Y%b"]),
    ("period", r"(?i:MONTH)[-_]?\d{2}", r"[A-Za-z]{3,9}[-_]?\d{2}", &["%b-%y", "%b_%y", "%b%y"]),
    ("year", r"(?:19|20)\d{2}", r"\d{4}", &["%Y"]),
    ("part", r"\d+of\d+", r"\d+of\d+", &[]),
    ("account", r"\d{6,}", r"\d+", &[]),
    ("territory", r"[A-Z]{2}", r"[A-Z]{2}", &[]),
];

const MONTH: &str = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";

/// Replaces dates, periods, accounts and territories in a file's name by named groups.
pub(crate) fn file_pattern(path: &str) -> FilePattern {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, ending) = match name.find('.').filter(|at| *at > 0) {
        Some(_) => {
            let bare = name.strip_suffix(".gz").unwrap_or(name);
            bare.rfind('.').map_or((bare, ""), |at| bare.split_at(at))
        }
        None => (name, ""),
    };
    let (mut pattern, mut groups, mut at) = (String::from("(?i)(^|/)"), Vec::<(String, String, Vec<&'static str>)>::new(), 0);
    for (start, end, (group, _, form, formats)) in moving(stem) {
        pattern.push_str(&loose(&stem[at..start]));
        let twice = groups.iter().any(|(known, ..)| known == group);
        let group = if group == "date" && twice { "date_to".to_owned() } else { group.to_owned() };
        if groups.iter().any(|(known, ..)| *known == group) {
            pattern.push_str(form);
        } else {
            pattern.push_str(&format!("(?<{group}>{form})"));
            groups.push((group, stem[start..end].to_owned(), formats.to_vec()));
        }
        at = end;
    }
    pattern.push_str(&loose(&stem[at..]));
    pattern.push_str(&regex::escape(&ending.to_lowercase()));
    pattern.push_str(if ending.eq_ignore_ascii_case(".zip") || ending.eq_ignore_ascii_case(".xlsx") { "$" } else { r"(\.gz)?$" });
    FilePattern { pattern, groups: read_alike(groups) }
}

/// What moves in a name, in its order.
fn moving(stem: &str) -> Vec<(usize, usize, Moving)> {
    let mut found: Vec<(usize, usize, Moving)> = Vec::new();
    for moving in MOVING {
        let form = moving.1.replace("MONTH", MONTH);
        let Ok(form) = Regex::new(&format!(r"(?:^|[^0-9A-Za-z])({form})(?:$|[^0-9A-Za-z])")) else { continue };
        let mut from = 0;
        while let Some(hit) = form.captures_at(stem, from).and_then(|found| found.get(1)) {
            // Two letters that a name begins with are somebody's.
            let brand = moving.0 == "territory" && hit.start() == 0;
            if !brand && found.iter().all(|(start, end, _)| hit.end() <= *start || hit.start() >= *end) {
                found.push((hit.start(), hit.end(), moving));
            }
            from = hit.end();
        }
    }
    found.sort_unstable_by_key(|hit| hit.0);
    found
}

/// Keeps of each group the formats that read it. Both ends of a range are written alike: what only one reads is none of the two.
fn read_alike(mut groups: Vec<(String, String, Vec<&'static str>)>) -> Vec<(String, String, Vec<&'static str>)> {
    let texts = groups.clone();
    for (_, _, formats) in &mut groups {
        let alike: Vec<&String> = texts.iter().filter(|(_, _, other)| other == formats).map(|(_, text, _)| text).collect();
        let reads = |format: &&'static str| takings_decode::DateFormat::new(format, &[]).is_ok_and(|read| alike.iter().all(|text| read.read(text).is_some()));
        formats.retain(reads);
    }
    groups
}

/// Text as it stands, but digits between marks may be other ones: `_2`, ` (1)`, `_0226_`.
fn loose(text: &str) -> String {
    let escaped = regex::escape(text).replace(r"\-", "-");
    let Ok(digits) = Regex::new(r"(?P<before>^|[-_ (])\d+(?P<behind>$|[-_ )\\])") else { return escaped };
    let once = digits.replace_all(&escaped, r"${before}\d+${behind}");
    // A mark stands between two runs and belongs to the first.
    digits.replace_all(&once, r"${before}\d+${behind}").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_names() {
        for (header, name) in [
            ("Customer Country", "customer_country"),
            ("CustomerCountry", "customer_country"),
            ("EarningAmountUSD", "earning_amount_usd"),
            ("ISRC/ISBN", "isrc_isbn"),
            ("User's State", "users_state"),
            ("Währung", "wahrung"),
            ("Opłata", "oplata"),
            ("Größe", "grosse"),
            ("Чистый доход", "chistyi_dokhod"),
            ("Объём", "obem"),
            ("# Units Sold", "units_sold"),
            ("2nd Price", "n2nd_price"),
            ("売上", "column"),
        ] {
            assert_eq!(snake(header), name);
        }
    }

    #[test]
    fn a_files_name_has_groups() {
        let shown = |path: &str| {
            let found = file_pattern(path);
            assert!(Regex::new(&found.pattern).unwrap().is_match(path), "{} {path}", found.pattern);
            found.pattern
        };
        assert_eq!(shown("a/performance_2026-02.csv"), r"(?i)(^|/)performance_(?<period>\d{4}[-_]\d{2})\.csv(\.gz)?$");
        assert_eq!(shown("S_D_80012345_20260214.txt.gz"), r"(?i)(^|/)S_D_(?<account>\d+)_(?<date>\d{8})\.txt(\.gz)?$");
        assert_eq!(shown("royalties_JUN-25.csv"), r"(?i)(^|/)royalties_(?<period>[A-Za-z]{3,9}[-_]?\d{2})\.csv(\.gz)?$");
        assert_eq!(shown("Content 2026-02-01_2026-03-01 x.zip"), r"(?i)(^|/)Content (?<date>\d{4}-\d{2}-\d{2})_(?<date_to>\d{4}-\d{2}-\d{2}) x\.zip$");
        assert_eq!(shown("statement_2025-Q4.csv"), r"(?i)(^|/)statement_(?<period>\d{4}[-_ ]?Q[1-4])\.csv(\.gz)?$");
        assert_eq!(shown("SteamSales_2025.csv"), r"(?i)(^|/)SteamSales_(?<year>\d{4})\.csv(\.gz)?$");
        assert_eq!(shown("transactions.csv"), r"(?i)(^|/)transactions\.csv(\.gz)?$");
        assert_eq!(shown("80012345_0226_CH.txt"), r"(?i)(^|/)(?<account>\d+)_\d+_(?<territory>[A-Z]{2})\.txt(\.gz)?$");
        assert_eq!(shown("Sales_Jan2025.xlsx"), r"(?i)(^|/)Sales_(?<period>[A-Za-z]{3,9}[-_ ]?\d{4})\.xlsx$");
        assert_eq!(shown("statement_Q42024.csv"), r"(?i)(^|/)statement_(?<period>Q[1-4][-_ ]?\d{4})\.csv(\.gz)?$");
        assert_eq!(shown("statement_2025_2.csv"), r"(?i)(^|/)statement_(?<year>\d{4})_\d+\.csv(\.gz)?$");
        assert_eq!(shown("export_1.csv"), r"(?i)(^|/)export_\d+\.csv(\.gz)?$");
        assert_eq!(shown("export (1).csv"), r"(?i)(^|/)export \(\d+\)\.csv(\.gz)?$");
        assert_eq!(
            shown("Revenue from 2_1_2025 to 2_28_2025.csv"),
            r"(?i)(^|/)Revenue from (?<date>\d{1,2}[-_.]\d{1,2}[-_.]\d{4}) to (?<date_to>\d{1,2}[-_.]\d{1,2}[-_.]\d{4})\.csv(\.gz)?$"
        );
        assert_eq!(shown("SX_statement.csv"), r"(?i)(^|/)SX_statement\.csv(\.gz)?$");
        assert_eq!(shown("F1_v2_GB_20250305T100000.tsv"), r"(?i)(^|/)F1_v2_(?<territory>[A-Z]{2})_(?<created>\d{8}T\d{6}Z?)\.tsv(\.gz)?$");
    }

    #[test]
    fn both_ends_of_a_range_tell_the_order_of_its_days() {
        let formats =
            |path: &str| file_pattern(path).groups.into_iter().map(|(group, _, formats)| format!("{group} {}", formats.join(" "))).collect::<Vec<_>>();
        assert_eq!(formats("x_2_1_2025 to 2_28_2025.csv"), ["date %m_%d_%Y", "date_to %m_%d_%Y"]);
        assert_eq!(formats("x_2_1_2025.csv"), ["date %m_%d_%Y %d_%m_%Y"]);
        assert_eq!(formats("x_March_2025.csv"), ["period %b_%Y"]);
        assert_eq!(formats("x_Q42024.csv"), ["period Q%q%Y"]);
    }
}
