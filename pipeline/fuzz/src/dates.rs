//! Dates and instants: the fast reader against the calendar, one way against the other, and what is printed against what is read.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use takings_decode::{Block, Chunk, Decoder, PartFacts, Typing};

use crate::flat::{Flat, decode};
use crate::read::{General, identity};

/// Shapes that have a reader of their own.
const ISO: [&str; 8] = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
];
const OTHERS: [&str; 6] = ["%d-%b-%Y", "%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%Y%m%dT%H%M%S%.f%z", "%s", "%a, %d %b %Y %H:%M:%S %z"];
/// What only the general way knows, or knows better.
const GENERAL: [&str; 5] = ["%b %Y", "%Y-Q%q", "%y%m%d", "%Y%j", "%-m/%-d/%y %I:%M:%S %p"];

struct Way {
    format: &'static str,
    /// An instant and a day, in two columns.
    plain: Option<[Decoder; 2]>,
    general: [(Mutex<Typing>, Arc<PartFacts>); 2],
}

static WAYS: LazyLock<Vec<Way>> = LazyLock::new(|| {
    let way = |format: &&'static str| {
        let columns = ["timestamp", "date"].map(|kind| format!("{{ name = \"t\", type = \"{kind}\" }}"));
        let plain = format!("path = 'x'\nnulls = []\ntimestamps = ['{format}']\n");
        let flat = |column: &String| Flat::new(&plain, column).decoder(b"t\n").expect("the header has the column");
        Way {
            format,
            plain: (!GENERAL.contains(format)).then(|| columns.each_ref().map(flat)),
            general: columns.each_ref().map(|column| {
                let general = General::new(&format!("path = 'x'\nnulls = []\n[exports.columns.t]\nformats = ['{format}']\n"), column);
                let facts = Arc::new(PartFacts { header_line: 1, header: vec!["t".to_owned()], ..PartFacts::default() });
                let values = Arc::clone(&general.reader().layouts()[0].values);
                (Mutex::new(Typing::new(values, identity("sale.csv"), Arc::clone(&facts)).expect("the header has the column")), facts)
            }),
        }
    };
    ISO.iter().chain(&OTHERS).chain(&GENERAL).map(way).collect()
});

/// Line → microseconds or days since 1970, of the texts that are read.
type Found = BTreeMap<i64, i64>;

/// The first byte: a format. Behind it texts, one a line: a reader may remember the one before.
pub fn dates(bytes: &[u8]) -> bool {
    let Some((choice, texts)) = bytes.split_first() else { return false };
    let Ok(texts) = std::str::from_utf8(texts) else { return false };
    let way = &WAYS[usize::from(*choice) % WAYS.len()];
    let texts: Vec<&str> = texts.split('\n').filter(|text| !text.contains(['"', '\0', '\r'])).collect();
    let [instants, days] = way.general(&texts);
    for (line, text) in (0..).zip(&texts) {
        if let Some(instant) = instants.get(&line) {
            way.prints(text, *instant, |printed| way.general(&[printed])[0].get(&0).copied());
        }
        if let (Some(day), Some(instant)) = (days.get(&line), instants.get(&line)) {
            let same = chrono_day(*day) == DateTime::from_timestamp_micros(*instant).map(|at| at.date_naive());
            assert!(same || way.format.contains('z'), "{text:?} is day {day} and instant {instant}");
        }
    }
    let Some(plain) = &way.plain else { return !instants.is_empty() };
    let [fast, fast_days] = plain.each_ref().map(|decoder| flat(decoder, &texts));
    for (line, text) in (0..).zip(&texts) {
        let alone = flat(&plain[0], &[text]).get(&0).copied();
        assert_eq!(fast.get(&line).copied(), alone, "{text:?} in {} among others and alone", way.format);
        if ISO.contains(&way.format) {
            assert_eq!(alone, by_calendar(text, way.format), "{text:?} in {} by the calendar", way.format);
            assert!(alone.is_none() || instants.get(&line).copied() == alone, "{text:?} in {}, the general way", way.format);
        } else if let (Some(alone), Some(general)) = (alone, instants.get(&line)) {
            assert_eq!(alone, *general, "{text:?} in {}, both ways", way.format);
        }
        if let Some(instant) = alone {
            way.prints(text, instant, |printed| flat(&plain[0], &[printed]).get(&0).copied());
        }
        let midnight = alone.filter(|instant| instant.rem_euclid(86_400_000_000) == 0).map(|instant| instant.div_euclid(86_400_000_000));
        assert_eq!(fast_days.get(&line).copied(), midnight, "{text:?} in {} as a day", way.format);
    }
    !fast.is_empty()
}

impl Way {
    fn general(&self, texts: &[&str]) -> [Found; 2] {
        let typed = self.general.each_ref().map(|(typing, facts)| {
            let mut block = Block::new(Arc::clone(facts));
            texts.iter().zip(0..).for_each(|(text, line)| block.push(line, text, [*text]));
            typing.lock().unwrap_or_else(PoisonError::into_inner).decode(&block).unwrap_or_else(|error| panic!("{error}"))
        });
        typed.map(|typed| {
            assert_eq!(typed.batch.num_rows() + typed.rejects.len(), texts.len());
            found(&typed.batch)
        })
    }

    /// What was read, printed in the same format, is the same.
    fn prints(&self, text: &str, instant: i64, read: impl Fn(&str) -> Option<i64>) {
        let at = DateTime::<Utc>::from_timestamp_micros(instant).unwrap_or_else(|| panic!("{text:?} is {instant}, which is no instant"));
        let first = NaiveDate::from_ymd_opt(1, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0)).map(|first| first.and_utc());
        assert!(Some(at) >= first && at.naive_utc().date() <= NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default(), "{text:?} is {at}");
        // A format with an offset may name an instant of a neighbouring year beyond those that it prints; chrono knows no quarters.
        if self.format.contains("%q") {
            return;
        }
        let printed = at.format(self.format).to_string();
        assert_eq!(read(&printed), Some(instant), "{text:?} in {} printed {printed:?}", self.format);
    }
}

fn flat(decoder: &Decoder, texts: &[&str]) -> Found {
    let cells: String = texts.iter().map(|text| format!("\"{text}\"\n")).collect();
    let decoded = decode(decoder, &Chunk::new(cells, 0)).unwrap_or_else(|error| panic!("{error}"));
    found(&decoded.batch)
}

fn found(batch: &arrow::array::RecordBatch) -> Found {
    let lines = batch["_line"].as_primitive::<Int64Type>().values().iter().copied();
    match batch["t"].as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => lines.zip(instants.values().iter().copied()).collect(),
        None => lines.zip(batch["t"].as_primitive::<Date32Type>().values().iter().map(|day| i64::from(*day))).collect(),
    }
}

fn chrono_day(days: i64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(i32::try_from(days).ok()?)
}

/// The instant that a text of an ISO shape names, by the shape and the calendar alone.
fn by_calendar(text: &str, format: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<u32>().ok();
    let mark = |at: usize, mark: &str| (text.get(at..at + 1) == Some(mark)).then_some(());
    let year = number(0, 4).filter(|year| *year > 0)?;
    mark(4, "-")?;
    mark(7, "-")?;
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(5, 7)?, number(8, 10)?)?;
    let Some(separator) = format.get(8..9) else { return (text.len() == 10).then(|| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros()) };
    mark(10, separator)?;
    mark(13, ":")?;
    mark(16, ":")?;
    let mut at = day.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.').filter(|_| format.contains("%.f")) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let used = fraction[..digits].trim_end_matches('0');
        if digits == 0 || used.len() > 6 {
            return None;
        }
        at += TimeDelta::microseconds(format!("{used:0<6}").parse().ok()?);
        rest = &fraction[digits..];
    }
    if format.ends_with('Z') {
        rest = rest.strip_prefix('Z')?;
    } else if format.ends_with('z') {
        let sign = if rest.starts_with('-') { 1 } else { -1 };
        let offset: String = rest.strip_prefix(['+', '-'])?.to_owned();
        let digits = match offset.split_once(':') {
            Some((hours, minutes)) if hours.len() == 2 => format!("{hours}{minutes}"),
            Some(_) => return None,
            None => offset,
        };
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        at += TimeDelta::minutes(sign * (hours * 60 + minutes));
        rest = "";
    }
    let micros = at.and_utc().timestamp_micros();
    (rest.is_empty() && (-62_135_596_800_000_000..=253_402_300_799_999_999).contains(&micros)).then_some(micros)
}
