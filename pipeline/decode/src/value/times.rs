//! Texts → days and instants: formats, zones, periods, fiscal calendars.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, FixedOffset, LocalResult, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use takings_definitions::{ColumnSpec, ParseKeys, Period, Reference};

use super::lookup::FiscalCalendar;
use super::moment::{Meaning, Moment, MomentFormat, Span};
use super::names::Names;
use crate::reject::{Finding, rule};
use crate::time::{TimeProblem, in_range};

/// How a column's dates and times are read.
#[derive(Debug)]
pub(crate) struct TimeReader {
    formats: Vec<MomentFormat>,
    meaning: Meaning,
    zone: Option<Tz>,
    end_of: Option<Span>,
    fiscal: Option<Fiscal>,
}

#[derive(Debug)]
struct Fiscal {
    name: String,
    calendar: FiscalCalendar,
    /// Whether texts are read as months first and looked up like `2026-03`.
    by_month: bool,
}

impl TimeReader {
    pub(crate) fn new(keys: &ParseKeys, spec: Option<&ColumnSpec>, references: &BTreeMap<String, Reference>) -> Result<Self, String> {
        let formats = keys.formats.iter().flatten();
        let formats = formats.map(|format| MomentFormat::new(format).map_err(|why| format!("format \"{format}\" {why}"))).collect::<Result<Vec<_>, _>>()?;
        let zones: BTreeMap<String, FixedOffset> = keys.zones.clone().unwrap_or_default();
        let fiscal = match spec.and_then(|spec| spec.fiscal.as_ref()) {
            None => None,
            Some(name) => {
                let table = references.get(name).ok_or_else(|| format!("there is no calendar config/reference/{name}.csv"))?;
                let by_month = spec.is_some_and(|spec| spec.parse.formats.is_some());
                Some(Fiscal { name: name.clone(), calendar: FiscalCalendar::new(table)?, by_month })
            }
        };
        let end_of = spec.and_then(|spec| spec.end_of);
        if end_of.is_some_and(|end_of| end_of != Period::Week) && formats.iter().any(MomentFormat::is_week) {
            return Err("a week can lie in two months: with %V write end_of = \"week\"".to_owned());
        }
        Ok(Self {
            formats,
            meaning: Meaning { years_from: i32::from(keys.years_from.unwrap_or(1970)), zones, names: Names::of(keys.languages.as_deref().unwrap_or_default()) },
            zone: keys.zone,
            end_of: end_of.map(|period| match period {
                Period::Week => Span::Week,
                Period::Month => Span::Month,
                Period::Quarter => Span::Quarter,
                Period::Year => Span::Year,
            }),
            fiscal,
        })
    }

    /// Days since 1970. A period is its first day, or its last where `end_of` says so.
    pub(crate) fn day(&self, text: &str) -> Result<i32, Finding> {
        if let Some(fiscal) = &self.fiscal {
            let name = if fiscal.by_month { self.moment(text).map_err(|problem| not_a_time(rule::DATE, problem))?.name() } else { text.to_owned() };
            let (first, last) = fiscal.calendar.period(&name).ok_or_else(|| {
                Finding::new(rule::FISCAL, format!("({name}) is no period of the calendar {0}; add it to config/reference/{0}.csv", fiscal.name))
            })?;
            return Ok(if self.end_of.is_some() { last } else { first }.to_epoch_days());
        }
        let moment = self.moment(text).map_err(|problem| not_a_time(rule::DATE, problem))?;
        if moment.time.is_some_and(|time| time != 0) {
            return Err(not_a_time(rule::DATE, TimeProblem::TimeOfDay));
        }
        let day = match self.end_of {
            Some(end_of) if moment.span != Span::Day => {
                last_day(moment.day, end_of.max(moment.span)).ok_or_else(|| not_a_time(rule::DATE, TimeProblem::Range))?
            }
            _ => moment.day,
        };
        Ok(day.to_epoch_days())
    }

    /// Microseconds since 1970, UTC.
    pub(crate) fn instant(&self, text: &str) -> Result<i64, Finding> {
        let wrong = |problem| not_a_time(rule::TIMESTAMP, problem);
        let moment = self.moment(text).map_err(wrong)?;
        let civil = moment.civil();
        let utc = match (moment.offset, moment.zone.or(self.zone)) {
            (Some(offset), _) => civil.checked_sub_offset(offset),
            (None, Some(zone)) => Some(in_zone(civil, zone)?),
            (None, None) => Some(civil),
        };
        let micros = utc.ok_or(TimeProblem::Range).and_then(|utc| in_range(utc.and_utc().timestamp_micros()));
        micros.map_err(wrong)
    }

    /// By the first format that fits.
    fn moment(&self, text: &str) -> Result<Moment, TimeProblem> {
        let mut problem = TimeProblem::Form;
        for format in &self.formats {
            match format.read(text, &self.meaning) {
                Ok(moment) => return Ok(moment),
                Err(TimeProblem::Form) => {}
                Err(known) => problem = known,
            }
        }
        Err(problem)
    }
}

impl Moment {
    pub(super) fn civil(self) -> NaiveDateTime {
        let midnight = self.day.and_time(chrono::NaiveTime::MIN);
        midnight + TimeDelta::microseconds(self.time.unwrap_or(0))
    }

    /// How calendars name the period.
    fn name(self) -> String {
        let (year, month) = (self.day.year(), self.day.month());
        match self.span {
            Span::Day => format!("{year:04}-{month:02}-{:02}", self.day.day()),
            Span::Week => format!("{:04}-W{:02}", self.day.iso_week().year(), self.day.iso_week().week()),
            Span::Month => format!("{year:04}-{month:02}"),
            Span::Quarter => format!("{year:04}-Q{}", self.day.month0() / 3 + 1),
            Span::Year => format!("{year:04}"),
        }
    }
}

fn in_zone(civil: NaiveDateTime, zone: Tz) -> Result<NaiveDateTime, Finding> {
    match zone.from_local_datetime(&civil) {
        LocalResult::Single(at) => Ok(at.naive_utc()),
        LocalResult::Ambiguous(..) => Err(Finding::new(rule::ZONE, format!("was twice in {zone}: the clocks went back, and the text names no offset"))),
        LocalResult::None => Err(Finding::new(rule::ZONE, format!("never was in {zone}: the clocks went forward"))),
    }
}

/// The last day of the week, month, quarter or year that a day lies in.
fn last_day(day: NaiveDate, span: Span) -> Option<NaiveDate> {
    let (first, months) = match span {
        Span::Day => return Some(day),
        Span::Week => return day.checked_add_days(Days::new(6 - u64::from(day.weekday().num_days_from_monday()))),
        Span::Month => (day.month0(), 1),
        Span::Quarter => (day.month0() / 3 * 3, 3),
        Span::Year => (0, 12),
    };
    day.with_day(1)?.with_month0(first)?.checked_add_months(Months::new(months))?.pred_opt()
}

#[cold]
fn not_a_time(form: &'static str, problem: TimeProblem) -> Finding {
    match problem {
        TimeProblem::Form => Finding::new(form, "is in none of the declared formats"),
        TimeProblem::TooFine => Finding::new(rule::DIGITS, "is finer than a microsecond"),
        TimeProblem::Range => Finding::new(rule::SIZE, "is not in the years 1 to 9999"),
        TimeProblem::TimeOfDay => Finding::new(form, "has a time of day, and the column holds days (`take` takes the day alone)"),
    }
}
