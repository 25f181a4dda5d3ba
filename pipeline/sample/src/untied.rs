//! Sales and disbursements that do not come out even, as real feeds have them: each is there once, small, and before March 2026,
//! so that the reconciliation of February has something to list. Knows nothing of how a row is written.

use crate::Error;
use crate::amount::Amount;
use crate::billing::Billing;
use crate::catalogue::Product;
use crate::disbursement::transfer_of;
use crate::documented::BUYER;
use crate::event::{Event, settled};
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::{Account, SELLER, Use};
use crate::places::{Broker, Currency};
use crate::writer::{Feeds, Known};

#[derive(Clone, Copy)]
struct Sale {
    number: u64,
    day: Day,
    currency: Currency,
    cents: i64,
    /// In dollars, where it is invoiced in two currencies.
    in_dollars: Option<i64>,
}

const fn sale(number: u64, day: Day, cents: i64) -> Sale {
    Sale { number, day, currency: Currency::Usd, cents, in_dollars: None }
}

/// A part of a sale that is paid out, or turned round.
struct Part {
    of: Sale,
    cents: i64,
    /// Under a bank trace id of its own.
    astray: bool,
}

const fn part(of: Sale, cents: i64) -> Part {
    Part { of, cents, astray: false }
}

enum Act {
    Invoiced(Sale),
    /// Said anew with another amount.
    Corrected(Sale, i64),
    Disbursed {
        number: u64,
        /// What the bank was told; `None` where the feed lacks the row.
        cents: Option<i64>,
        traced: bool,
        parts: &'static [Part],
    },
    Failed {
        number: u64,
        disbursement: u64,
        cents: i64,
        parts: &'static [Part],
    },
}

const fn january(day: u32) -> Day {
    Day::of(2026, 1, day)
}

const fn february(day: u32) -> Day {
    Day::of(2026, 2, day)
}

const fn paid(number: u64, cents: i64, parts: &'static [Part]) -> Act {
    Act::Disbursed { number, cents: Some(cents), traced: true, parts }
}

/// Paid in full, then corrected to less.
const OVERPAID: Sale = sale(1, Day::of(2026, 1, 14), 25_000);
const CORRECTED_TO: i64 = 24_550;
/// Sold before the feeds were subscribed to: its invoice is in none of them.
const UNKNOWN: Sale = sale(2, Day::of(2024, 10, 28), 8_820);
/// Paid by a disbursement that the feed does not have.
const STRAY: Sale = sale(3, Day::of(2026, 1, 19), 6_000);
/// Paid by a disbursement that failed, turned round in full and but for five dollars.
const TURNED: Sale = sale(4, Day::of(2026, 1, 5), 12_000);
const KEPT: Sale = sale(5, Day::of(2026, 1, 5), 7_500);
/// Paid by a disbursement of which the failure took back ten dollars less.
const WITHHELD: Sale = sale(6, Day::of(2026, 1, 6), 9_000);
/// Paid a cent short by the bank.
const SHORT: Sale = sale(7, Day::of(2026, 1, 21), 4_117);
/// Paid without a bank trace id, and under another than the disbursement's.
const UNTRACED: Sale = sale(8, Day::of(2026, 1, 22), 3_300);
const ASTRAY: Sale = sale(9, Day::of(2026, 1, 23), 1_875);
/// Invoiced in euros and dollars, paid in euros alone.
const OTHER_CURRENCY: Sale = Sale { number: 10, day: Day::of(2026, 1, 26), currency: Currency::Eur, cents: 5_000, in_dollars: Some(5_400) };

const ACTS: &[(Day, Act)] = &[
    (TURNED.day, Act::Invoiced(TURNED)),
    (KEPT.day, Act::Invoiced(KEPT)),
    (WITHHELD.day, Act::Invoiced(WITHHELD)),
    (OVERPAID.day, Act::Invoiced(OVERPAID)),
    (STRAY.day, Act::Invoiced(STRAY)),
    (SHORT.day, Act::Invoiced(SHORT)),
    (UNTRACED.day, Act::Invoiced(UNTRACED)),
    (ASTRAY.day, Act::Invoiced(ASTRAY)),
    (OTHER_CURRENCY.day, Act::Invoiced(OTHER_CURRENCY)),
    (january(28), paid(1, 19_500, &[part(TURNED, 12_000), part(KEPT, 7_500)])),
    (january(28), paid(2, 9_000, &[part(WITHHELD, 9_000)])),
    (february(4), Act::Failed { number: 3, disbursement: 1, cents: 19_500, parts: &[part(TURNED, 12_000), part(KEPT, 7_000)] }),
    (february(5), Act::Failed { number: 4, disbursement: 2, cents: 8_000, parts: &[] }),
    // The failure of a disbursement that no feed has.
    (february(6), Act::Failed { number: 5, disbursement: 90, cents: 6_430, parts: &[] }),
    (february(10), paid(6, 33_820, &[part(OVERPAID, 25_000), part(UNKNOWN, 8_820)])),
    (february(11), Act::Disbursed { number: 91, cents: None, traced: true, parts: &[part(STRAY, 6_000)] }),
    (february(13), paid(7, 5_000, &[part(OTHER_CURRENCY, 5_000)])),
    (february(17), paid(8, 4_116, &[part(SHORT, 4_117)])),
    (february(18), Act::Corrected(OVERPAID, CORRECTED_TO)),
    (february(18), Act::Disbursed { number: 9, cents: Some(3_300), traced: false, parts: &[part(UNTRACED, 3_300)] }),
    // The failed ones are paid again.
    (february(19), paid(10, 28_500, &[part(TURNED, 12_000), part(KEPT, 7_500), part(WITHHELD, 9_000)])),
    (february(20), paid(11, 1_875, &[Part { of: ASTRAY, cents: 1_875, astray: true }])),
];

pub fn deliver(billing: &mut Billing, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for (_, act) in ACTS.iter().filter(|(on, _)| *on == day) {
        match act {
            Act::Invoiced(sale) => billing.write(feeds, &sale.invoiced(), Known::default())?,
            Act::Corrected(sale, cents) => {
                let event = Event { amount: Amount::cents(*cents), ..sale.invoiced() };
                billing.write(feeds, &event, Known { corrects: Some(sale.day.plus(1)), ..Known::default() })?;
            }
            Act::Disbursed { number, cents, traced, parts } => disburse(billing, feeds, day, (*number, *cents, *traced), parts)?,
            Act::Failed { number, disbursement, cents, parts } => fail(billing, feeds, day, (*number, *disbursement, *cents), parts)?,
        }
    }
    Ok(())
}

fn disburse(billing: &mut Billing, feeds: &mut Feeds, day: Day, (number, cents, traced): (u64, Option<i64>, bool), parts: &[Part]) -> Result<(), Error> {
    let at = day.at(66_000 + number as i64);
    let trace = |astray: bool| traced.then(|| Id::new(Kind::BankTrace, key(number, u64::from(astray))));
    for part in parts {
        let row = part.row(number, -part.cents, transfer_id(number), at);
        billing.write(feeds, &Event { bank_trace: trace(part.astray), ..row }, Known::default())?;
    }
    let currency = parts[0].of.currency;
    match cents {
        Some(cents) => {
            let transfer = transfer_of(transfer_id(number), key(number, 0), currency, Broker::Inc, Amount::cents(cents), at);
            billing.write(feeds, &Event { bank_trace: trace(false), ..transfer }, Known::default())
        }
        None => Ok(()),
    }
}

fn fail(billing: &mut Billing, feeds: &mut Feeds, day: Day, (number, disbursement, cents): (u64, u64, i64), parts: &[Part]) -> Result<(), Error> {
    let at = day.at(32_400);
    for part in parts {
        billing.write(feeds, &part.row(number, part.cents, transfer_id(number), at), Known::default())?;
    }
    let transfer = transfer_of(transfer_id(number), key(disbursement, 0), Currency::Usd, Broker::Inc, Amount::cents(-cents), at);
    let event = Event { transaction_type: "DISBURSEMENT_FAILURE", parent: Some(transfer_id(disbursement)), ..transfer };
    billing.write(feeds, &event, Known::default())
}

/// Apart from the keys of all other rows.
fn key(number: u64, step: u64) -> u64 {
    1 << 63 | 1 << 40 | number << 8 | step
}

fn transfer_id(number: u64) -> Id {
    Id::new(Kind::BillingEvent, key(number, 1))
}

impl Sale {
    fn key(self, step: u64) -> u64 {
        key(1_000 + self.number, step)
    }

    fn invoiced(self) -> Event {
        let at = self.day.at(36_000);
        let (buyer, product) = (Account::scripted(BUYER), Product(0));
        let invoice = Id::new(Kind::Invoice, 910_000_000 + self.number);
        let reference = Id::new(Kind::Reference, self.key(0));
        let line_item = Id::new(Kind::LineItem, self.key(0));
        Event {
            from: buyer,
            to: SELLER,
            end_user: Some(buyer),
            product: Some(product.id()),
            action: "INVOICED",
            disbursed: self.in_dollars.map(|cents| (Currency::Usd, Amount::cents(cents))),
            counts: true,
            due: Some(self.day.plus(30).end()),
            invoice: Some(invoice),
            address: Some(buyer.address(Use::Billing)),
            reference: Some(reference),
            buyer_reference: Some(reference),
            buyer_invoiced: Some(at),
            line_item: Some(line_item),
            buyer_line_item: Some(line_item),
            buyer_invoice: Some(invoice),
            invoice_variant: "PURCHASE",
            ..Event::of_account(Id::new(Kind::BillingEvent, self.key(0)), Broker::Inc, "SELLER_REV_SHARE", self.currency, Amount::cents(self.cents), at)
        }
    }
}

impl Part {
    /// The row of it under a disbursement or a failure.
    fn row(&self, number: u64, cents: i64, transfer: Id, at: Moment) -> Event {
        let id = Id::new(Kind::BillingEvent, self.of.key(number));
        let row = settled(&self.of.invoiced(), id, "DISBURSED", Amount::cents(cents), None, at);
        Event { disbursement: Some(transfer), ..row }
    }
}
