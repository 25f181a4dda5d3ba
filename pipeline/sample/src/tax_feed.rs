//! The tax item feed: one row per line and authority, for sales and for what is given back.

use crate::Error;
use crate::agreement::Pattern;
use crate::amount::{Amount, write_whole};
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::Moment;
use crate::sale::{Adjustment, Lines, PART_REFUNDED, Sale};
use crate::tax::{TaxPart, Taxes};
use crate::world::World;
use crate::writer::{Feeds, Known};

/// What a sale's tax items are written for.
#[derive(Clone, Copy)]
struct Occasion<'a> {
    sale: &'a Sale,
    transaction: &'static str,
    at: Moment,
    refund: bool,
}

pub fn of_sale(world: &World, feeds: &mut Feeds, sale: &Sale, lines: &Lines) -> Result<(), Error> {
    let occasion = Occasion { sale, transaction: "AWS", at: sale.invoiced(), refund: false };
    for (line, amounts) in lines.lines.iter().take(lines.count).enumerate() {
        write_line(world, feeds, &occasion, line as u64, &amounts.taxes)?;
    }
    Ok(())
}

pub fn of_refund(world: &World, feeds: &mut Feeds, sale: &Sale, lines: &Lines, adjustment: Adjustment, lag: i32) -> Result<(), Error> {
    let tax_only = adjustment == Adjustment::TaxOnlyRefund;
    let transaction = if tax_only { "TAXONLYREFUND" } else { "REFUND" };
    let occasion = Occasion { sale, transaction, at: sale.day.plus(lag).at(50_400), refund: true };
    for (line, amounts) in lines.lines.iter().take(lines.count).enumerate() {
        let taxes = match adjustment {
            Adjustment::PartRefund => amounts.taxes.part(PART_REFUNDED).negated(),
            _ => amounts.taxes.negated(),
        };
        if !tax_only || !taxes.total().is_zero() {
            write_line(world, feeds, &occasion, line as u64, &taxes)?;
        }
    }
    Ok(())
}

fn write_line(world: &World, feeds: &mut Feeds, occasion: &Occasion<'_>, line: u64, taxes: &Taxes) -> Result<(), Error> {
    for (number, part) in taxes.parts().enumerate() {
        write(world, feeds, occasion, line, number as u64, &part)?;
    }
    Ok(())
}

fn write(world: &World, feeds: &mut Feeds, occasion: &Occasion<'_>, line: u64, number: u64, part: &TaxPart) -> Result<(), Error> {
    let Occasion { sale, transaction, at, refund } = *occasion;
    let agreement = &sale.agreement;
    let place = agreement.payer_place(world);
    let exempt = part.reason == "Exempt";
    let invoice = Id::new(Kind::Invoice, sale.key() << 2 | u64::from(refund));
    let reference = if refund && sale.key() % 3 == 1 { Id::new(Kind::Reference, sale.key() << 2 | 2) } else { sale.reference() };
    let tax_only = transaction == "TAXONLYREFUND";
    let zero_if_tax_only = |amount: Amount| if tax_only { Amount::ZERO } else { amount };
    let liable = if place.is_us() || number.is_multiple_of(2) { place.liable.code() } else { "" };
    feeds
        .row(Export::TaxItem)
        .cell(|cell| {
            let key = sale.key() << 2 | line << 1 | u64::from(refund);
            Id::new(Kind::TaxItem, key).write_to(world.seed, cell);
            cell.extend_from_slice(b"_000");
            write_whole(number + 1, cell);
        })
        .id(invoice)
        .id(Id::new(Kind::LineItem, sale.key() << 2 | line))
        .id(Id::new(Kind::CustomerBill, sale.key()))
        .text(liable)
        .text(transaction)
        .id(agreement.product_id())
        .text(agreement.product.tax_code())
        .moment(at)
        .id(agreement.payer().id())
        .text(place.country)
        .text(place.state)
        .text(place.city)
        .text(place.postal_code)
        .text(place.geocode)
        .text(place.tax_type)
        .text(part.jurisdiction.level)
        .text(part.jurisdiction.name)
        .text("Exclusive")
        .amount(zero_if_tax_only(part.taxable))
        .amount(zero_if_tax_only(part.nontaxable))
        .amount(if exempt { Amount::ZERO } else { Amount::scaled(part.jurisdiction.millionths, 6) })
        .amount(part.tax)
        .text(agreement.currency(world).code())
        .text(part.reason)
        .moment(sale.day.start())
        .text(if exempt { "CERT-4711" } else { "" })
        .text(if exempt { "TAX-EXEMPTION" } else { "" })
        .text(if exempt { part.jurisdiction.level } else { "" })
        .text(if exempt { if agreement.pattern == Pattern::Hourly { "RESALE" } else { "GOVERNMENT" } } else { "" })
        .text(if exempt { "CUSTOMER" } else { "" })
        .id(reference)
        .none()
        .none()
        .none()
        .none()
        .known(at, Known::default())
}
