//! The two constellations that the seller guide documents, in rows of our own: a reseller's sale of 100 with 80 for the
//! manufacturer and 0.2 for AWS, disbursed as 19.8; a manufacturer's share of 73.5 with 6.5 tax and 7.35 for AWS, disbursed as
//! 72.65. And one sale of 2019, settled long ago, that only the backfill brings.

use crate::Error;
use crate::amount::Amount;
use crate::billing::Billing;
use crate::catalogue::Product;
use crate::disbursement::transfer_of;
use crate::event::{Event, settled};
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::{Account, SELLER, Use};
use crate::party_feed;
use crate::places::{Broker, Currency};
use crate::world::World;
use crate::writer::{Feeds, Known};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Buyer,
    Seller,
    Manufacturer,
    Reseller,
    Aws,
}

/// One invoiced amount.
struct Invoiced {
    from: Role,
    to: Role,
    transaction_type: &'static str,
    amount: Amount,
    variants: Variants,
    /// Seconds between the sale and this invoice.
    after: i64,
}

/// Variant of the invoice, variant and side of the charge.
type Variants = (&'static str, &'static str, &'static str);

const fn row(from: Role, to: Role, transaction_type: &'static str, ten_thousandths: i64, variants: Variants, after: i64) -> Invoiced {
    Invoiced { from, to, transaction_type, amount: Amount::scaled(ten_thousandths, 4), variants, after }
}

struct Constellation {
    number: u64,
    product: Product,
    invoiced: Day,
    disbursed: Day,
    /// The manufacturer of a resold product learns neither the end user nor an address.
    buyer_is_shown: bool,
    tax_item: Option<(&'static str, i64)>,
    rows: &'static [Invoiced],
}

/// Scripted customer who buys here and what stays untied; no story has it.
pub const BUYER: u64 = 33;

const PURCHASE: Variants = ("PURCHASE", "", "");
const FEE: Variants = ("PURCHASE", "LISTING_FEE", "BUYING");
const COST: Variants = ("RESALE", "RESALE", "BUYING");
const WHOLESALE: Variants = ("RESALE", "RESALE", "SELLING");

const CONSTELLATIONS: [Constellation; 3] = [
    Constellation {
        number: 1,
        product: Product(3),
        invoiced: Day::of(2025, 12, 31),
        disbursed: Day::of(2026, 2, 24),
        buyer_is_shown: true,
        tax_item: Some(("AWS", 206_000)),
        rows: &[
            row(Role::Buyer, Role::Seller, "SELLER_REV_SHARE", 1_000_000, PURCHASE, 0),
            row(Role::Buyer, Role::Aws, "AWS_TAX_SHARE", 206_000, PURCHASE, 0),
            row(Role::Seller, Role::Manufacturer, "SELLER_REV_SHARE", -800_000, COST, 247),
            row(Role::Seller, Role::Aws, "AWS_REV_SHARE", -2_000, FEE, 247),
        ],
    },
    Constellation {
        number: 2,
        product: Product(1),
        invoiced: Day::of(2025, 12, 31),
        disbursed: Day::of(2026, 2, 25),
        buyer_is_shown: false,
        tax_item: Some(("Seller", 65_000)),
        rows: &[
            row(Role::Reseller, Role::Seller, "SELLER_REV_SHARE", 735_000, WHOLESALE, 247),
            row(Role::Reseller, Role::Seller, "SELLER_TAX_SHARE", 65_000, WHOLESALE, 247),
            row(Role::Seller, Role::Aws, "AWS_REV_SHARE", -73_500, FEE, 247),
        ],
    },
    Constellation {
        number: 3,
        product: Product(0),
        invoiced: Day::of(2019, 5, 3),
        disbursed: Day::of(2019, 6, 12),
        buyer_is_shown: true,
        tax_item: None,
        rows: &[row(Role::Buyer, Role::Seller, "SELLER_REV_SHARE", 49_900, PURCHASE, 0), row(Role::Seller, Role::Aws, "AWS_REV_SHARE", -9_980, FEE, 0)],
    },
];

pub fn deliver(billing: &mut Billing, world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for constellation in &CONSTELLATIONS {
        // What happened before the span is delivered on its first day.
        if constellation.invoiced.max(world.first) == day {
            invoice(billing, world, feeds, constellation)?;
        }
        if constellation.disbursed.max(world.first) == day {
            disburse(billing, feeds, constellation)?;
        }
    }
    Ok(())
}

/// The buyer's account, on the first day.
pub fn appear(world: &World, feeds: &mut Feeds) -> Result<(), Error> {
    party_feed::appear(world, feeds, Account::scripted(BUYER), world.first.start())
}

impl Constellation {
    fn key(&self, row: usize, step: u64) -> u64 {
        1 << 63 | self.number << 16 | (row as u64) << 4 | step
    }

    fn account(&self, role: Role) -> Account {
        match role {
            Role::Buyer => Account::scripted(BUYER),
            Role::Seller => SELLER,
            Role::Manufacturer => self.product.manufacturer(),
            Role::Reseller => Account::reseller(0),
            Role::Aws => Account::operator(Broker::Inc),
        }
    }

    fn at(&self, row: &Invoiced) -> Moment {
        self.invoiced.at(row.after)
    }

    fn event(&self, at: usize) -> Event {
        let row = &self.rows[at];
        let moment = self.at(row);
        let (invoice_variant, charge_variant, charge_side) = row.variants;
        // The reseller's cost and fee stand on an invoice of their own.
        let invoice = Id::new(Kind::Invoice, 900_000_000 + self.number * 10 + u64::from(row.after > 0));
        let reference = Id::new(Kind::Reference, self.key(0, 0));
        let line_item = Id::new(Kind::LineItem, self.key(0, 0));
        let shown = Some(Account::scripted(BUYER)).filter(|_| self.buyer_is_shown);
        Event {
            id: Id::new(Kind::BillingEvent, self.key(at, 0)),
            from: self.account(row.from),
            to: self.account(row.to),
            end_user: shown,
            product: Some(self.product.id()),
            action: "INVOICED",
            transaction_type: row.transaction_type,
            parent: None,
            disbursement: None,
            amount: row.amount,
            currency: Currency::Usd,
            disbursed: None,
            counts: row.transaction_type != "AWS_TAX_SHARE",
            invoiced: Some(moment),
            due: Some(self.invoiced.plus(30).end()),
            usage: None,
            invoice: Some(invoice),
            address: shown.filter(|_| row.from == Role::Buyer).map(|buyer| buyer.address(Use::Billing)),
            reference: Some(reference),
            buyer_reference: Some(reference),
            bank_trace: None,
            broker: Some(Broker::Inc),
            acted: moment,
            offer: None,
            buyer_invoiced: Some(self.invoiced.start()),
            line_item: Some(line_item),
            buyer_line_item: Some(line_item),
            charge_variant,
            charge_side,
            agreement: None,
            buyer_invoice: Some(Id::new(Kind::Invoice, 900_000_000 + self.number * 10)),
            invoice_variant,
            disbursement_reference: None,
        }
    }
}

fn invoice(billing: &mut Billing, world: &World, feeds: &mut Feeds, constellation: &Constellation) -> Result<(), Error> {
    for at in 0..constellation.rows.len() {
        billing.write(feeds, &constellation.event(at), Known::default())?;
    }
    match constellation.tax_item {
        Some((liable, ten_thousandths)) => tax_item(world, feeds, constellation, liable, Amount::scaled(ten_thousandths, 4)),
        None => Ok(()),
    }
}

fn disburse(billing: &mut Billing, feeds: &mut Feeds, constellation: &Constellation) -> Result<(), Error> {
    let at = constellation.disbursed.at(66_600);
    let transfer = Id::new(Kind::BillingEvent, constellation.key(0, 2));
    let number = 1 << 50 | constellation.number;
    let mut sum = Amount::ZERO;
    for row in 0..constellation.rows.len() {
        let invoiced = constellation.event(row);
        if !invoiced.counts {
            continue;
        }
        let id = Id::new(Kind::BillingEvent, constellation.key(row, 1));
        let event = Event {
            disbursement: Some(transfer),
            bank_trace: Some(Id::new(Kind::BankTrace, number)),
            ..settled(&invoiced, id, "DISBURSED", -invoiced.amount, None, at)
        };
        sum += event.amount;
        billing.write(feeds, &event, Known::default())?;
    }
    billing.write(feeds, &transfer_of(transfer, number, Currency::Usd, Broker::Inc, -sum, at), Known::default())
}

/// One tax item for the tax of the whole sale.
fn tax_item(world: &World, feeds: &mut Feeds, constellation: &Constellation, liable: &str, tax: Amount) -> Result<(), Error> {
    let event = constellation.event(0);
    let taxed = event.from;
    let place = taxed.place(world.seed);
    feeds
        .row(Export::TaxItem)
        .id(Id::new(Kind::TaxItem, constellation.key(0, 3)))
        .maybe_id(event.invoice)
        .maybe_id(event.line_item)
        .id(Id::new(Kind::CustomerBill, constellation.key(0, 0)))
        .text(liable)
        .text("AWS")
        .maybe_id(event.product)
        .text(constellation.product.tax_code())
        .maybe_moment(event.invoiced)
        .id(taxed.id())
        .texts([place.country, place.state, place.city, place.postal_code])
        .texts([place.geocode, place.tax_type, place.taxes[0].level, place.taxes[0].name, "Exclusive"])
        .amount(event.amount)
        .amount(Amount::ZERO)
        .none()
        .amount(tax)
        .text(event.currency.code())
        .text("Taxable")
        .moment(constellation.invoiced.start())
        .texts(["", "", "", "", ""])
        .maybe_id(event.reference)
        .texts(["", "", "", ""])
        .known(event.acted, Known::default())
}
