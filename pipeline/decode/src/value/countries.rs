//! Countries by code and name → alpha-2. Codes and English names of ISO 3166 come from `rust_iso3166`; what exports print besides stands here.

use super::fold::folded;

/// Names and codes that are not the standard's, but clear.
const ALSO: [(&str, &str); 117] = [
    ("UK", "GB"),
    ("Great Britain", "GB"),
    ("United Kingdom", "GB"),
    ("Britain", "GB"),
    ("England", "GB"),
    ("Scotland", "GB"),
    ("Wales", "GB"),
    ("Northern Ireland", "GB"),
    ("United Kingdom of Great Britain", "GB"),
    ("United States", "US"),
    ("U.S. of America", "US"),
    ("America", "US"),
    ("EL", "GR"),
    ("Kosovo", "XK"),
    ("XK", "XK"),
    ("XKX", "XK"),
    ("Bolivia", "BO"),
    ("Plurinational State of Bolivia", "BO"),
    ("Brunei", "BN"),
    ("Burma", "MM"),
    ("Cape Verde", "CV"),
    ("Congo Republic", "CG"),
    ("Republic of the Congo", "CG"),
    ("Congo Brazzaville", "CG"),
    ("Congo, Republic of the", "CG"),
    ("Democratic Republic of the Congo", "CD"),
    ("Democratic Republic of Congo", "CD"),
    ("Congo, Democratic Republic", "CD"),
    ("Congo, The Democratic Republic of the", "CD"),
    ("Congo Kinshasa", "CD"),
    ("DR Congo", "CD"),
    ("DRC", "CD"),
    ("Zaire", "CD"),
    ("Cote d'Ivoire", "CI"),
    ("Ivory Coast", "CI"),
    ("Croatia (Hrvatska)", "HR"),
    ("Curacao", "CW"),
    ("Czech Republic", "CZ"),
    ("Czechia", "CZ"),
    ("East Timor", "TL"),
    ("Falkland Islands", "FK"),
    ("Falkland Islands (Malvinas)", "FK"),
    ("Faeroe Islands", "FO"),
    ("Micronesia", "FM"),
    ("Micronesia, Federated States of", "FM"),
    ("Federated States of Micronesia", "FM"),
    ("Gambia, The", "GM"),
    ("Holland", "NL"),
    ("The Netherlands", "NL"),
    ("Netherlands", "NL"),
    ("Holy See (Vatican City State)", "VA"),
    ("Vatican City", "VA"),
    ("Vatican", "VA"),
    ("Hong Kong SAR", "HK"),
    ("Hong Kong SAR China", "HK"),
    ("Hong Kong, China", "HK"),
    ("Iran", "IR"),
    ("Iran, Islamic Republic of", "IR"),
    ("South Korea", "KR"),
    ("Republic of Korea", "KR"),
    ("Korea, South", "KR"),
    ("Korea, Republic of", "KR"),
    ("Korea (the Republic of)", "KR"),
    ("North Korea", "KP"),
    ("Korea, North", "KP"),
    ("Korea, Democratic People's Republic of", "KP"),
    ("Laos", "LA"),
    ("Lao", "LA"),
    ("Libya", "LY"),
    ("Libyan Arab Jamahiriya", "LY"),
    ("Macao SAR", "MO"),
    ("Macau", "MO"),
    ("Macau SAR China", "MO"),
    ("Macedonia", "MK"),
    ("Macedonia, the former Yugoslav Republic of", "MK"),
    ("FYROM", "MK"),
    ("Moldova", "MD"),
    ("Moldova, Republic of", "MD"),
    ("Republic of Moldova", "MD"),
    ("Palestine", "PS"),
    ("Palestinian Territory", "PS"),
    ("Palestinian Territories", "PS"),
    ("Palestinian Territory, Occupied", "PS"),
    ("People's Republic of China", "CN"),
    ("Mainland China", "CN"),
    ("China mainland", "CN"),
    ("Pitcairn Islands", "PN"),
    ("Reunion", "RE"),
    ("Russia", "RU"),
    ("Saint Barthelemy", "BL"),
    ("St. Barthelemy", "BL"),
    ("Saint Helena", "SH"),
    ("St. Helena", "SH"),
    ("St. Kitts and Nevis", "KN"),
    ("St. Lucia", "LC"),
    ("Saint Martin", "MF"),
    ("St. Martin", "MF"),
    ("Sint Maarten", "SX"),
    ("St. Pierre and Miquelon", "PM"),
    ("St. Vincent and the Grenadines", "VC"),
    ("Sao Tome and Principe", "ST"),
    ("Swaziland", "SZ"),
    ("Syria", "SY"),
    ("Taiwan", "TW"),
    ("Taiwan, Province of China", "TW"),
    ("Taiwan, ROC", "TW"),
    ("Tanzania", "TZ"),
    ("Tanzania, United Republic of", "TZ"),
    ("Turkey", "TR"),
    ("Turkiye", "TR"),
    ("UAE", "AE"),
    ("Venezuela", "VE"),
    ("Venezuela, Bolivarian Republic of", "VE"),
    ("Vietnam", "VN"),
    ("Virgin Islands, British", "VG"),
    ("British Virgin Islands", "VG"),
    ("US Virgin Islands", "VI"),
];

/// Every known text, folded, with its country.
pub(crate) fn names() -> impl Iterator<Item = (String, &'static str)> {
    let also = ALSO.into_iter().chain([
        ("U.S. Virgin Islands", "VI"),
        ("Virgin Islands, U.S.", "VI"),
        ("United States Virgin Islands", "VI"),
        ("Aland Islands", "AX"),
        ("Bonaire", "BQ"),
        ("Caribbean Netherlands", "BQ"),
        ("Antigua & Barbuda", "AG"),
        ("Bahamas, The", "BS"),
        ("Swaziland (Eswatini)", "SZ"),
        ("Heard & McDonald Islands", "HM"),
        ("Svalbard & Jan Mayen", "SJ"),
        ("Wallis & Futuna", "WF"),
        ("United States Minor Outlying Islands", "UM"),
        ("U.S. Outlying Islands", "UM"),
        ("South Georgia & South Sandwich Islands", "GS"),
        ("Cocos Islands", "CC"),
        ("Dominican Rep.", "DO"),
        ("Bosnia", "BA"),
        ("Trinidad", "TT"),
    ]);
    let standard = rust_iso3166::ALL.iter().flat_map(|country| {
        let codes = [country.alpha2, country.alpha3, country.name];
        codes.into_iter().chain(plain(country.name)).map(|text| (text.to_owned(), country.alpha2))
    });
    standard.chain(also.map(|(text, code)| (text.to_owned(), code))).map(|(text, code)| (key(&text), code))
}

/// How a country's text is compared: folded, and without an article in front.
pub(crate) fn key(text: &str) -> String {
    let text = text.trim();
    let bare = text.get(..4).filter(|article| article.eq_ignore_ascii_case("the ")).map_or(text, |_| &text[4..]);
    folded(bare)
}

/// `Bahamas (the)` → `Bahamas`, where no other country has that name.
fn plain(name: &str) -> Option<&str> {
    let (plain, _) = name.split_once(" (")?;
    let same = |other: &&rust_iso3166::CountryCode| other.name.split(" (").next() == Some(plain);
    (rust_iso3166::ALL.iter().filter(same).count() == 1).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn no_text_means_two_countries() {
        let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        names().for_each(|(text, code)| {
            owners.entry(text).or_default().insert(code);
        });
        let twice: Vec<_> = owners.iter().filter(|(_, codes)| codes.len() > 1).collect();
        assert_eq!(twice, []);
        assert!(owners.values().flatten().collect::<BTreeSet<_>>().len() >= 250);
    }
}
