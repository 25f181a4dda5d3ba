//! Texts → the integers that number columns hold, with their units and signs.

use takings_definitions::{CellTest, ColumnSpec, ColumnType, DurationForm, Factor, Factors, ParseKeys, Sign, trimmed};

use super::currency;
use super::duration::seconds;
use super::exact::{Exact, ONE};
use super::written::NumberForm;
use crate::number::NumberProblem;
use crate::reject::{Finding, rule};

/// How a column's numbers are read.
#[derive(Debug)]
pub(crate) struct NumberReader {
    form: NumberForm,
    durations: Vec<DurationForm>,
    factor: Option<Factors>,
    sign: Option<Sign>,
    /// Of an int64 column: whether `5.0` is 5.
    whole_decimals: bool,
    precision: u8,
    scale: u8,
    integer: bool,
}

/// The other cells of the row that a number depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside<'a> {
    /// What the sign's condition looks at.
    pub(crate) condition: &'a str,
    pub(crate) unit: &'a str,
    /// None: the column has none.
    pub(crate) currency: Option<&'a str>,
}

impl NumberReader {
    pub(crate) fn new(kind: ColumnType, keys: &ParseKeys, spec: Option<&ColumnSpec>) -> Self {
        let (precision, scale, integer) = match kind {
            ColumnType::Decimal { precision, scale } => (precision, scale.unsigned_abs(), false),
            _ => (19, 0, true),
        };
        Self {
            form: NumberForm::new(keys),
            durations: spec.map(|spec| spec.duration.clone()).unwrap_or_default(),
            factor: spec.and_then(|spec| spec.factor.clone()),
            sign: spec.and_then(|spec| spec.sign.clone()),
            whole_decimals: keys.whole_decimals.unwrap_or(false),
            precision,
            scale,
            integer,
        }
    }

    /// The number as an integer at the column's scale.
    pub(crate) fn read(&self, text: &str, beside: Beside<'_>) -> Result<i128, Finding> {
        let value = self.signed(self.written(text, beside)?, beside.condition)?;
        let (factor, divisor) = match &self.factor {
            None => (ONE, ONE),
            Some(Factors::Multiply(factor)) => (*factor, ONE),
            Some(Factors::Divide(divisor)) => (ONE, *divisor),
            Some(Factors::By { factors, column }) => (unit(factors, column, beside.unit)?, ONE),
        };
        let value = value.times(factor).and_then(|value| value.at_scale(divisor, self.precision, self.scale)).map_err(|problem| self.problem(problem))?;
        // Nineteen digits are not yet 64 bits.
        if self.integer && i64::try_from(value).is_err() {
            return Err(self.problem(NumberProblem::Size));
        }
        Ok(value)
    }

    fn written(&self, text: &str, beside: Beside<'_>) -> Result<Exact, Finding> {
        if !self.durations.is_empty() {
            return seconds(text, &self.durations).map_err(|problem| match problem {
                NumberProblem::Form => Finding::new(rule::DURATION, "is no duration of the declared form"),
                other => self.problem(other),
            });
        }
        let written = self.form.read(text).map_err(|problem| self.problem(problem))?;
        for sign in written.currencies.into_iter().flatten() {
            match beside.currency {
                Some("") => {}
                Some(currency) if currency::may_mean(sign, currency) => {}
                Some(currency) => return Err(Finding::new(rule::CURRENCY, format!("says {sign:?}, and the row's currency is {currency}"))),
                None => return Err(Finding::new(rule::CURRENCY, format!("says {sign:?}, and the contract names no currency column to check it with"))),
            }
        }
        if self.integer && written.decimals && !self.whole_decimals && self.factor.is_none() {
            return Err(Finding::new(rule::INTEGER, "is not a whole number as it is written (`whole_decimals = true` takes 5.0 as 5)"));
        }
        Ok(written.value)
    }

    fn signed(&self, value: Exact, condition: &str) -> Result<Exact, Finding> {
        let holds = |test: &CellTest| test.holds(trimmed(condition));
        Ok(match &self.sign {
            None => value,
            Some(Sign::Flipped) => value.negated(),
            Some(Sign::FlippedWhere(when)) if holds(&when.test) => value.negated(),
            Some(Sign::FlippedWhere(_)) => value,
            Some(Sign::NegativeWhere(when)) if holds(&when.test) => {
                if value.is_negative() {
                    value
                } else {
                    value.negated()
                }
            }
            Some(Sign::NegativeWhere(when)) if value.is_negative() => {
                return Err(Finding::new(rule::SIGN, format!("is negative, and {} ({condition:?}) says that it is not", when.column)));
            }
            Some(Sign::NegativeWhere(_)) => value,
        })
    }

    #[cold]
    fn problem(&self, problem: NumberProblem) -> Finding {
        match (problem, self.integer) {
            (NumberProblem::Form, true) => Finding::new(rule::INTEGER, "is not a whole number"),
            (NumberProblem::Digits, true) => Finding::new(rule::INTEGER, "is not a whole number"),
            (NumberProblem::Size, true) => Finding::new(rule::SIZE, "is larger than 64 bits hold"),
            (NumberProblem::Form, false) => Finding::new(rule::DECIMAL, "is not a decimal number"),
            (NumberProblem::Digits, false) => Finding::new(rule::DIGITS, format!("has more than {} decimals", self.scale)),
            (NumberProblem::Size, false) => Finding::new(rule::SIZE, format!("is larger than decimal({},{}) holds", self.precision, self.scale)),
        }
    }
}

fn unit(factors: &std::collections::BTreeMap<String, Factor>, column: &str, text: &str) -> Result<Factor, Finding> {
    let text = trimmed(text);
    let found = factors.get(text).or_else(|| factors.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, factor)| factor));
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = factors.keys().map(String::as_str).collect();
        Finding::new(rule::UNIT, format!("has the unit {text:?} in {column}; known: {}", known.join(", ")))
    })
}
