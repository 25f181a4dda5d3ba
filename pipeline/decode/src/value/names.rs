//! Names of months and weekdays in the languages that exports are written in.

use std::collections::BTreeMap;

use super::fold::folded;

/// The names of the languages that a channel file lists.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    months: Words,
    weekdays: Words,
}

/// Folded words and what each stands for: from 0, None where two of the languages mean different things by it.
#[derive(Debug, Clone, Default)]
struct Words {
    whole: BTreeMap<String, Option<usize>>,
    /// How many letters a name has to have at least when it is cut short.
    least: usize,
}

/// A language: its months and its weekdays from Monday on, each with the forms that are no beginning of another one, `|` between them.
type Language = (&'static str, [&'static str; 12], [&'static str; 7]);

#[rustfmt::skip]
const NAMES: [Language; 15] = [
    ("en", ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    ("de", ["Januar|Jänner|Jaenner", "Februar|Feber", "März|Maerz|Mrz", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
        ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag|Sonnabend", "Sonntag"]),
    ("fr", ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
        ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]),
    ("es", ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre|setiembre", "octubre", "noviembre", "diciembre"],
        ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]),
    ("it", ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"],
        ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"]),
    ("pt", ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"],
        ["segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"]),
    ("nl", ["januari", "februari", "maart|mrt", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
        ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"]),
    ("sv", ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"],
        ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"]),
    ("da", ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"],
        ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]),
    ("no", ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"],
        ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]),
    ("fi", ["tammikuu|tammikuuta", "helmikuu|helmikuuta", "maaliskuu|maaliskuuta", "huhtikuu|huhtikuuta", "toukokuu|toukokuuta", "kesäkuu|kesäkuuta",
        "heinäkuu|heinäkuuta", "elokuu|elokuuta", "syyskuu|syyskuuta", "lokakuu|lokakuuta", "marraskuu|marraskuuta", "joulukuu|joulukuuta"],
        ["maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai"]),
    ("pl", ["styczeń|stycznia", "luty|lutego", "marzec|marca", "kwiecień|kwietnia", "maj|maja", "czerwiec|czerwca", "lipiec|lipca", "sierpień|sierpnia",
        "wrzesień|września", "październik|października", "listopad|listopada", "grudzień|grudnia"],
        ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"]),
    ("cs", ["leden|ledna", "únor|února", "březen|března", "duben|dubna", "květen|května", "červen|června|čvn", "červenec|července|čvc", "srpen|srpna",
        "září", "říjen|října", "listopad|listopadu", "prosinec|prosince"],
        ["pondělí", "úterý", "středa", "čtvrtek", "pátek", "sobota", "neděle"]),
    ("tr", ["ocak", "şubat", "mart", "nisan", "mayıs", "haziran", "temmuz", "ağustos", "eylül", "ekim", "kasım", "aralık"],
        ["pazartesi", "salı", "çarşamba", "perşembe", "cuma", "cumartesi", "pazar"]),
    ("ru", ["январь|января", "февраль|февраля", "март|марта", "апрель|апреля", "май|мая", "июнь|июня", "июль|июля", "август|августа", "сентябрь|сентября",
        "октябрь|октября", "ноябрь|ноября", "декабрь|декабря"],
        ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]),
];

impl Names {
    /// Of these languages; of English where there are none.
    pub(crate) fn of(languages: &[String]) -> Self {
        let mut names = Self { months: Words { least: 3, ..Words::default() }, weekdays: Words { least: 2, ..Words::default() } };
        for (code, months, weekdays) in &NAMES {
            if languages.iter().any(|language| language == code) || (languages.is_empty() && *code == "en") {
                names.months.add(months);
                names.weekdays.add(weekdays);
            }
        }
        names
    }

    /// The month, from 0, that a text begins with, and what stands behind it.
    pub(crate) fn month<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        self.months.first(text)
    }

    /// The weekday, from Monday as 0.
    pub(crate) fn weekday<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        self.weekdays.first(text)
    }
}

impl Words {
    fn add(&mut self, names: &[&str]) {
        for (at, forms) in names.iter().enumerate() {
            for form in forms.split('|') {
                self.whole.entry(folded(form)).and_modify(|known| *known = known.filter(|known| *known == at)).or_insert(Some(at));
            }
        }
    }

    /// A word in full, or cut short so far as it still can mean one thing only.
    fn first<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        let length = text.find(|character: char| !character.is_alphabetic() && !is_mark(character)).unwrap_or(text.len());
        let (word, rest) = text.split_at(length);
        let short = folded(word);
        if let Some(whole) = self.whole.get(&short) {
            return whole.map(|at| (at, rest));
        }
        if short.chars().count() < self.least {
            return None;
        }
        let mut meant = self.whole.range(short.clone()..).take_while(|(name, _)| name.starts_with(&short)).map(|(_, at)| *at);
        let first = meant.next()??;
        meant.all(|other| other == Some(first)).then_some((first, rest))
    }
}

/// An accent that stands behind its letter.
fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

#[cfg(test)]
mod tests {
    use takings_definitions::LANGUAGES;

    use super::*;

    fn month(languages: &[&str], text: &str) -> Option<usize> {
        let languages: Vec<String> = languages.iter().map(|code| (*code).to_owned()).collect();
        Names::of(&languages).month(text).filter(|(_, rest)| rest.is_empty()).map(|(at, _)| at + 1)
    }

    #[test]
    fn every_language_that_can_be_said_has_names() {
        assert_eq!(NAMES.map(|(code, ..)| code), LANGUAGES);
    }

    #[test]
    fn months_in_full_and_short() {
        for (language, texts) in [
            ("de", ["Jän", "Feb", "März", "APR", "Mai", "Jun", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"]),
            ("fr", ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "AOÛT", "sept", "oct", "nov", "déc"]),
            ("es", ["ene", "feb", "mar", "abr", "mayo", "jun", "jul", "ago", "setiembre", "oct", "nov", "dic"]),
            ("it", ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]),
            ("pt", ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"]),
            ("nl", ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]),
            ("pl", ["sty", "lut", "mar", "kwi", "maja", "cze", "lip", "sie", "września", "paź", "lis", "gru"]),
            ("cs", ["led", "úno", "bře", "dub", "kvě", "čvn", "čvc", "srp", "zář", "říj", "lis", "pro"]),
            ("tr", ["Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "ARALIK"]),
            ("ru", ["янв", "фев", "марта", "апр", "мая", "июня", "июл", "авг", "сент", "окт", "ноя", "дек"]),
            ("fi", ["tammikuuta", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"]),
        ] {
            let found: Vec<_> = texts.iter().map(|text| month(&[language], text)).collect();
            assert_eq!(found, (1..=12).map(Some).collect::<Vec<_>>(), "{language}");
        }
    }

    #[test]
    fn what_means_two_months_is_none() {
        assert_eq!([month(&["fr"], "jui"), month(&["cs"], "čer"), month(&["fi", "en"], "mar"), month(&["en"], "ma")], [None; 4]);
        assert_eq!([month(&["de", "fr"], "mars"), month(&["de", "fr"], "mai"), month(&["de"], "may"), month(&[], "may")], [Some(3), Some(5), None, Some(5)]);
        let (at, rest) = Names::of(&["de".to_owned()]).weekday("Di., 4. März").unwrap();
        assert_eq!((at, rest), (1, "., 4. März"));
    }
}
