//! Disbursement runs: about monthly for each currency, with the rows of every amount they pay out, their failures and second
//! attempts. A run finds its sales by looking back; nothing is kept but the sums.

use crate::Error;
use crate::amount::Amount;
use crate::billing::{Billing, adjustments, balance_adjustment};
use crate::event::{self, Event, Step};
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::places::{Broker, Currency};
use crate::sale::{Adjustment, Sale, Settling};
use crate::world::World;
use crate::writer::{Feeds, Known};

/// A sale is paid out at the earliest this long after its invoice, an adjustment after its own.
const SALE_WAITS: i32 = 20;
const ADJUSTMENT_WAITS: i32 = 5;
/// Longest way back from a run to the first one that could have paid a sale.
const RUNS_BACK: i32 = 7;

/// A run that bounces.
struct Failure {
    purse: Currency,
    year: i32,
    month: u32,
    failed: Day,
    again: Day,
    /// The failure's rows are listed too.
    listed: bool,
}

const FAILURES: [Failure; 3] = [
    Failure { purse: Currency::Usd, year: 2025, month: 11, failed: Day::of(2025, 11, 17), again: Day::of(2025, 11, 24), listed: true },
    Failure { purse: Currency::Eur, year: 2026, month: 2, failed: Day::of(2026, 2, 16), again: Day::of(2026, 2, 24), listed: false },
    // Of a run that 2026-03-15 reports, but known only later.
    Failure { purse: Currency::Jpy, year: 2026, month: 3, failed: Day::of(2026, 3, 17), again: Day::of(2026, 3, 24), listed: false },
];

/// The run whose rows are delivered six days late.
const LATE_RUN: (Currency, i32, u32) = (Currency::Gbp, 2026, 1);
const LATE_BY: i32 = 6;

/// A regular run, by month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    purse: Currency,
    /// Months since the year 0.
    month: i32,
}

impl Run {
    fn day(self) -> Day {
        let day = if self.purse == Currency::Gbp { 20 } else { 12 };
        Day::of(self.month.div_euclid(12), self.month.rem_euclid(12) as u32 + 1, day)
    }

    /// The regular run of a currency on or after a day.
    fn from(purse: Currency, day: Day) -> Run {
        let (year, month) = day.year_month();
        let run = Run { purse, month: year * 12 + month as i32 - 1 };
        if run.day() >= day { run } else { Run { month: run.month + 1, ..run } }
    }

    fn failure(self) -> Option<&'static Failure> {
        FAILURES.iter().find(|failure| failure.purse == self.purse && failure.year * 12 + failure.month as i32 - 1 == self.month)
    }

    fn event(self, attempt: u64) -> Id {
        Id::new(Kind::BillingEvent, 1 << 62 | (self.month as u64) << 8 | (self.purse as u64) << 4 | attempt)
    }

    fn number(self, attempt: u64) -> u64 {
        (self.month as u64) << 8 | (self.purse as u64) << 4 | attempt
    }
}

/// What is delivered for a run on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Paid { attempt: u64 },
    Failed,
}

/// Runs with something to deliver for a business day; the late one appears on its later day.
fn happening_on(day: Day) -> Vec<(Run, Happening, Day)> {
    let (year, month) = day.year_month();
    let this = year * 12 + month as i32 - 1;
    let late = |run: &Run| (run.purse, run.month) == (LATE_RUN.0, LATE_RUN.1 * 12 + LATE_RUN.2 as i32 - 1);
    let mut found = Vec::new();
    for purse in Currency::ALL {
        let run = Run { purse, month: this };
        let delivered = if late(&run) { run.day().plus(LATE_BY) } else { run.day() };
        if delivered == day {
            found.push((run, Happening::Paid { attempt: 0 }, run.day()));
        }
        for back in 0..2 {
            let run = Run { purse, month: this - back };
            if let Some(failure) = run.failure() {
                if failure.failed == day {
                    found.push((run, Happening::Failed, day));
                }
                if failure.again == day {
                    found.push((run, Happening::Paid { attempt: 1 }, day));
                }
            }
        }
    }
    found
}

pub fn deliver(billing: &mut Billing, world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for (run, happening, on) in happening_on(day) {
        match happening {
            Happening::Paid { attempt } => pay(billing, world, feeds, run, attempt, on)?,
            Happening::Failed => fail(billing, world, feeds, run, on)?,
        }
    }
    Ok(())
}

fn paid_at(run: Run, attempt: u64, day: Day) -> Moment {
    day.at(64_800 + (run.purse as i64) * 600 + attempt as i64)
}

fn pay(billing: &mut Billing, world: &World, feeds: &mut Feeds, run: Run, attempt: u64, day: Day) -> Result<(), Error> {
    let at = paid_at(run, attempt, day);
    let number = run.number(attempt);
    let disbursement = run.event(attempt);
    let mut sum = Amount::ZERO;
    let step = |adjustment: bool| if adjustment { Step::AdjustmentDisbursed } else { Step::Disbursed };
    each_paid(world, run, &mut |paid: Paid| {
        let event = Event {
            disbursement: Some(disbursement),
            bank_trace: Some(Id::new(Kind::BankTrace, number)),
            disbursement_reference: Some(Id::new(Kind::BankTrace, number | 1 << 40)),
            ..paid.event(step(paid.adjustment), attempt, -1, at)
        };
        sum += event.disbursed.map_or(event.amount, |(_, amount)| amount);
        billing.write(feeds, &event, Known { twice: paid.twice, ..Known::default() })
    })?;
    if sum.is_zero() {
        return Ok(());
    }
    let event = transfer(run, disbursement, number, -sum, at);
    billing.write(feeds, &event, Known::default())
}

fn fail(billing: &mut Billing, world: &World, feeds: &mut Feeds, run: Run, day: Day) -> Result<(), Error> {
    let at = day.at(32_400);
    let failure = Id::new(Kind::BillingEvent, 1 << 62 | 1 << 50 | run.number(0));
    let listed = run.failure().is_some_and(|failure| failure.listed);
    let mut sum = Amount::ZERO;
    let step = |adjustment: bool| if adjustment { Step::AdjustmentReversed } else { Step::Reversed };
    each_paid(world, run, &mut |paid: Paid| {
        let event = Event { disbursement: Some(failure), ..paid.event(step(paid.adjustment), 0, 1, at) };
        sum += event.disbursed.map_or(event.amount, |(_, amount)| amount);
        if listed { billing.write(feeds, &event, Known::default()) } else { Ok(()) }
    })?;
    if sum.is_zero() {
        return Ok(());
    }
    let event = Event { transaction_type: "DISBURSEMENT_FAILURE", parent: Some(run.event(0)), ..transfer(run, failure, run.number(0), -sum, at) };
    billing.write(feeds, &event, Known::default())
}

/// The row of the transfer itself.
fn transfer(run: Run, id: Id, number: u64, amount: Amount, at: Moment) -> Event {
    let broker = if run.purse == Currency::Jpy { Broker::Japan } else { Broker::Inc };
    transfer_of(id, number, run.purse, broker, amount, at)
}

pub fn transfer_of(id: Id, number: u64, currency: Currency, broker: Broker, amount: Amount, at: Moment) -> Event {
    Event {
        bank_trace: Some(Id::new(Kind::BankTrace, number)),
        disbursement_reference: Some(Id::new(Kind::BankTrace, number | 1 << 40)),
        ..Event::of_account(id, broker, "DISBURSEMENT", currency, amount, at)
    }
}

/// An amount that a run pays out: the row it settles, and which part of it.
struct Paid<'a> {
    of: &'a Event,
    /// Amount and, where dual, disbursement amount, both with the sign of the settled row.
    amount: Amount,
    dual: Option<Amount>,
    adjustment: bool,
    part: u64,
    twice: bool,
    hides_address: bool,
}

impl Paid<'_> {
    fn event(&self, step: Step, attempt: u64, sign: i128, at: Moment) -> Event {
        let amount = Amount(self.amount.0 * sign);
        let dual = self.dual.map(|dual| Amount(dual.0 * sign));
        let own = self.of.id.key & !(7 << 9) | (step as u64) << 9 | self.part << 4 | attempt << 3;
        let event = event::settled(self.of, Id::new(Kind::BillingEvent, own), "DISBURSED", amount, dual, at);
        Event { address: event.address.filter(|_| !self.hides_address), ..event }
    }
}

/// The first regular run that may pay a sale.
fn first_run(purse: Currency, sale: Day) -> Run {
    Run::from(purse, sale.plus(SALE_WAITS))
}

/// Everything that a run pays out.
fn each_paid(world: &World, run: Run, visit: &mut impl FnMut(Paid<'_>) -> Result<(), Error>) -> Result<(), Error> {
    for back in (0..=RUNS_BACK).rev() {
        let base = Run { month: run.month - back, ..run };
        let after = Run { month: base.month - 1, ..run }.day().plus(-SALE_WAITS);
        for day in after.plus(1).until(base.day().plus(-SALE_WAITS)) {
            if day < world.first {
                continue;
            }
            for sale in world.sales_on(day).filter(|sale| sale.purse(world) == run.purse) {
                each_paid_of(world, run, &sale, visit)?;
            }
        }
    }
    if run.purse == Currency::Usd {
        let before = Run { month: run.month - 1, ..run }.day();
        for event in before.until(run.day().plus(-1)).filter_map(balance_adjustment) {
            visit(Paid { of: &event, amount: event.amount, dual: None, adjustment: false, part: 0, twice: false, hides_address: false })?;
        }
    }
    Ok(())
}

fn each_paid_of(world: &World, run: Run, sale: &Sale, visit: &mut impl FnMut(Paid<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let fate = sale.fate(world);
    let Settling { run: Some(delay), partly } = fate.settling else { return Ok(()) };
    let paying = first_run(run.purse, sale.day).month + delay;
    let adjusting = fate.adjustment.filter(|(adjustment, _)| *adjustment != Adjustment::Forgiven).map(|(adjustment, lag)| {
        let first = Run::from(run.purse, sale.day.plus(lag + ADJUSTMENT_WAITS)).month;
        (adjustment, lag, first.max(paying))
    });
    let part = match run.month - paying {
        0 => Some(0),
        1 if partly => Some(1),
        _ => None,
    };
    let adjusts = adjusting.filter(|(_, _, month)| *month == run.month);
    if part.is_none() && adjusts.is_none() {
        return Ok(());
    }
    let lines = sale.lines(world, &fate);
    let hides_address = sale.key() % 5 == 2;
    if let Some(part) = part {
        for posting in sale.postings(world, &lines).filter(|posting| posting.counts()) {
            let of = event::invoiced(world, sale, &fate, &posting);
            let whole = of.disbursed.map(|(_, amount)| amount);
            let (amount, dual) = match (partly, part) {
                (false, _) => (of.amount, whole),
                (true, 0) => (of.amount.share(3, 5), whole.map(|whole| whole.share(3, 5))),
                (true, _) => (of.amount - of.amount.share(3, 5), whole.map(|whole| whole - whole.share(3, 5))),
            };
            let twice = fate.twice && posting.line == 0;
            visit(Paid { of: &of, amount, dual, adjustment: false, part, twice, hides_address })?;
        }
    }
    if let Some((adjustment, lag, _)) = adjusts {
        for (of, posting) in adjustments(world, sale, &fate, &lines, adjustment, lag) {
            if posting.counts() {
                let dual = of.disbursed.map(|(_, amount)| amount);
                visit(Paid { of: &of, amount: of.amount, dual, adjustment: true, part: 0, twice: false, hides_address })?;
            }
        }
    }
    Ok(())
}
