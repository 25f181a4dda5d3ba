//! A sale: one invoice to a buyer, with its amounts and what becomes of it. It follows from its agreement and number, so that
//! the day it is disbursed it is made again instead of being kept. Knows no feed.

use crate::agreement::{Agreement, INSTALMENT_DAYS, Pattern};
use crate::amount::Amount;
use crate::chance::{Draws, Topic};
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::places::{Broker, Currency, Liable};
use crate::tax::{self, Taxes};
use crate::world::World;

#[derive(Clone, Copy, Debug)]
pub struct Sale {
    pub agreement: Agreement,
    pub number: u64,
    pub day: Day,
    /// First and last day of the usage it bills.
    pub usage: Option<(Day, Day)>,
}

/// In which disbursement run after it falls due for one a sale is paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    pub run: Option<i32>,
    /// Three fifths in that run, the rest in the next.
    pub partly: bool,
}

impl Settling {
    pub const NEVER: Settling = Settling { run: None, partly: false };

    pub const fn in_run(run: i32) -> Self {
        Settling { run: Some(run), partly: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    Refund,
    PartRefund,
    Credit,
    TaxOnlyRefund,
    Forgiven,
}

/// What becomes of a sale.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// Days between invoice and due date.
    pub terms: i32,
    /// Days by which its rows come late.
    pub late: i32,
    pub corrected: bool,
    pub twice: bool,
    pub settling: Settling,
    pub adjustment: Option<(Adjustment, i32)>,
    pub collected_after: Option<i32>,
    pub half_cent: bool,
}

/// The lags that [`Fate`] uses: a day's effects are found by looking back this far.
pub const LATE_LAGS: [i32; 2] = [3, 5];
pub const CORRECTION_LAG: i32 = 9;
pub const ADJUSTMENT_LAGS: [i32; 5] = [12, 18, 25, 33, 40];
pub const COLLECTION_LAGS: [i32; 2] = [9, 17];
/// Days after the buyer's invoice on which an operator other than AWS_INC bills its fee.
pub const FEE_LAG: i32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Charge {
    Revenue = 0,
    Tax,
    Fee,
    Cost,
}

/// One amount of one line of a sale.
#[derive(Clone, Copy, Debug)]
pub struct Posting {
    pub line: u64,
    pub charge: Charge,
    pub amount: Amount,
    pub liable: Liable,
}

impl Posting {
    /// Tax that AWS owes is shown but not counted.
    pub fn counts(&self) -> bool {
        self.charge != Charge::Tax || self.liable == Liable::Seller
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    pub gross: Amount,
    pub fee: Amount,
    pub cost: Amount,
    pub taxes: Taxes,
}

/// The amounts of a sale: one line or two.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    pub count: usize,
    pub lines: [Line; 2],
}

impl Sale {
    pub fn key(&self) -> u64 {
        self.agreement.key << 6 | self.number
    }

    pub fn invoiced(&self) -> Moment {
        let key = self.key();
        // Month-end billing runs at midnight, purchases are billed when they happen.
        if self.usage.is_some() { self.day.at((key % 4 * 3_600) as i64) } else { self.day.at(self.agreement.started.0.rem_euclid(86_400)) }
    }

    pub fn purse(&self, world: &World) -> Currency {
        if self.agreement.is_dual(world) { Currency::Usd } else { self.agreement.currency(world) }
    }

    pub fn bills_fee_apart(&self, world: &World) -> bool {
        self.agreement.broker(world).bills_fee_apart()
    }

    pub fn broker(&self, world: &World) -> Broker {
        self.agreement.broker(world)
    }

    pub fn reference(&self) -> Id {
        Id::new(Kind::Reference, self.key() << 2)
    }

    pub fn fee_reference(&self) -> Id {
        Id::new(Kind::Reference, self.key() << 2 | 1)
    }

    pub fn invoice(&self) -> Id {
        Id::new(Kind::Invoice, self.key() << 2)
    }

    pub fn fate(&self, world: &World) -> Fate {
        let mut draws = Draws::of(world.seed, Topic::Fate, self.key());
        let terms = [0, 30, 30, 45, 60, 90][draws.below(6) as usize];
        let late = if draws.one_in(12) { LATE_LAGS[draws.below(2) as usize] } else { 0 };
        let corrected = draws.one_in(14);
        let twice = draws.one_in(15);
        let run = match draws.below(20) {
            0..=12 => Some(0),
            13..=15 => Some(1),
            16 => Some(2),
            17 => Some(3),
            18 => Some(4),
            _ => None,
        };
        let settling = Settling { run, partly: run.is_some() && draws.one_in(9) };
        let adjustment = match draws.below(42) {
            0 | 1 => Some((Adjustment::Refund, 12)),
            2 => Some((Adjustment::Refund, 40)),
            3 | 4 => Some((Adjustment::PartRefund, 25)),
            5 => Some((Adjustment::Credit, 25)),
            6 => Some((Adjustment::TaxOnlyRefund, 18)),
            7 => Some((Adjustment::Forgiven, 33)),
            _ => None,
        };
        let collected_after = match (run, draws.below(3)) {
            (Some(0), 0) => Some(COLLECTION_LAGS[0]),
            (Some(0), 1) => Some(COLLECTION_LAGS[1]),
            _ => None,
        };
        let half_cent = draws.one_in(10);
        let mut fate = Fate { terms, late, corrected, twice, settling, adjustment, collected_after, half_cent };
        if let Some(story) = self.agreement.story {
            fate = Fate { late: 0, corrected: false, adjustment: None, ..fate };
            if let Some(sale) = story.sale {
                fate.terms = sale.terms;
                fate.settling = sale.settling;
                fate.adjustment = sale.adjustment;
                fate.half_cent = false;
                fate.collected_after = fate.collected_after.filter(|_| sale.settling.run == Some(0));
            }
        }
        if matches!(fate.adjustment, Some((Adjustment::Forgiven, _))) || self.agreement.pattern == Pattern::Demonstration {
            fate.settling = Settling::NEVER;
            fate.collected_after = None;
        }
        if self.agreement.pattern == Pattern::Demonstration {
            fate.adjustment = None;
            fate.half_cent = false;
        }
        fate
    }

    pub fn lines(&self, world: &World, fate: &Fate) -> Lines {
        let mut gross = [Amount::ZERO; 2];
        let mut count = 1;
        if let Some(lines) = self.agreement.story.and_then(|story| story.sale).and_then(|sale| sale.lines) {
            gross = lines;
            count = 2;
        } else if let Some((first, last)) = self.usage {
            let (by_line, days) = world.usage_of(&self.agreement, first, last);
            if days == 0 {
                return Lines::default();
            }
            gross = by_line;
            count = if gross[1].is_zero() { 1 } else { 2 };
        } else {
            gross[0] = self.contract_amount(world);
        }
        if fate.half_cent {
            gross[1] = (gross[0] + gross[1]).to_half_cent() - gross[0];
            count = 2;
        }
        let mut lines = Lines { count, ..Lines::default() };
        for (line, gross) in lines.lines.iter_mut().zip(gross).take(count) {
            *line = self.line(world, gross);
        }
        lines
    }

    fn line(&self, world: &World, gross: Amount) -> Line {
        let fee = match self.agreement.pattern {
            Pattern::Hourly => gross.share(-20, 100),
            Pattern::Resold => gross.share(-15, 1_000),
            _ => gross.share(-3, 100),
        };
        let cost = if self.agreement.pattern == Pattern::Resold { gross.share(-80, 100) } else { Amount::ZERO };
        let payer = self.agreement.payer();
        let taxes = match self.agreement.pattern {
            Pattern::Channel => Taxes::default(),
            _ => tax::of(payer.place(world.seed), payer.is_tax_exempt(), gross),
        };
        Line { gross, fee, cost, taxes }
    }

    fn contract_amount(&self, world: &World) -> Amount {
        let mut draws = Draws::of(world.seed, Topic::Sale, self.key());
        let price = self.agreement.product.contract_price().share(draws.between(40, 220), 100);
        let price = match self.agreement.pattern {
            Pattern::Schedule => price.share(1, INSTALMENTS),
            Pattern::Channel => price.share(735, 1_000),
            _ => price,
        };
        self.agreement.currency(world).priced(price.to_cents()).to_cents()
    }

    /// The amounts that are invoiced, line by line.
    pub fn postings(&self, world: &World, lines: &Lines) -> impl Iterator<Item = Posting> + use<> {
        let liable = self.agreement.payer_place(world).liable;
        let lines = *lines;
        (0..lines.count).flat_map(move |at| {
            let line = lines.lines[at];
            [
                (Charge::Revenue, line.gross, true),
                (Charge::Tax, line.taxes.total(), !line.taxes.total().is_zero()),
                (Charge::Fee, line.fee, !line.fee.is_zero()),
                (Charge::Cost, line.cost, !line.cost.is_zero()),
            ]
            .into_iter()
            .filter(|(_, _, there)| *there)
            .map(move |(charge, amount, _)| Posting { line: at as u64, charge, amount, liable })
        })
    }

    /// The amounts of the adjustment, in the order of the postings they adjust.
    pub fn adjusted(&self, world: &World, lines: &Lines, adjustment: Adjustment) -> impl Iterator<Item = Posting> + use<> {
        let lines = *lines;
        self.postings(world, &lines).filter_map(move |posting| {
            let taxes = &lines.lines[posting.line as usize].taxes;
            let amount = match (adjustment, posting.charge) {
                (Adjustment::Refund | Adjustment::Forgiven, _) => -posting.amount,
                (Adjustment::PartRefund, Charge::Tax) => -taxes.part(PART_REFUNDED).total(),
                (Adjustment::PartRefund, _) => posting.amount.share(-PART_REFUNDED, 100),
                (Adjustment::Credit, Charge::Revenue | Charge::Fee) => posting.amount.share(-10, 100),
                (Adjustment::TaxOnlyRefund, Charge::Tax) => -posting.amount,
                _ => return None,
            };
            Some(Posting { amount, ..posting })
        })
    }
}

/// Percent that a partial refund gives back.
pub const PART_REFUNDED: i64 = 40;
/// Instalments of an agreement with a payment schedule.
pub const INSTALMENTS: i64 = 6;
const FIRST_MONTHLY: u64 = 16;

impl World {
    /// Sales that are invoiced on a day.
    pub fn sales_on(&self, day: Day) -> impl Iterator<Item = Sale> + '_ {
        let bought =
            self.starting_on(day).filter(|agreement| agreement.pattern.bills_at_start()).map(move |agreement| Sale { agreement, number: 0, day, usage: None });
        let instalments = (1..INSTALMENTS as i32).flat_map(move |number| {
            self.fresh_on(day.plus(-number * INSTALMENT_DAYS)).filter(|agreement| agreement.pattern == Pattern::Schedule).map(move |agreement| Sale {
                agreement,
                number: number as u64,
                day,
                usage: None,
            })
        });
        bought.chain(instalments).chain(self.monthly_sales_on(day))
    }

    /// Usage of a month is billed on the second and third of the next one.
    fn monthly_sales_on(&self, day: Day) -> impl Iterator<Item = Sale> + '_ {
        let billing_day = matches!(day.day_of_month(), 2 | 3);
        let last = day.first_of_month().plus(-1);
        let first = last.first_of_month();
        let (year, month) = first.year_month();
        let number = FIRST_MONTHLY + (year - 2024) as u64 * 12 + u64::from(month) - 11;
        billing_day
            .then(|| self.running(first, last, Pattern::bills_monthly))
            .into_iter()
            .flatten()
            .filter(move |agreement| (agreement.key >> 3) % 2 == u64::from(day.day_of_month() - 2))
            .map(move |agreement| Sale {
                agreement,
                number,
                day,
                usage: Some((first.max(agreement.start()), agreement.ends.map_or(last, |ends| ends.min(last)))),
            })
    }
}
