//! The agreement, term and charge feeds, and the agreement details of new subscribers.

use crate::Error;
use crate::agreement::{Agreement, Ending, INSTALMENT_DAYS, Origin, Pattern};
use crate::amount::Amount;
use crate::catalogue::Audience;
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::SELLER;
use crate::party_feed::write_account_number;
use crate::sale::{INSTALMENTS, Sale};
use crate::world::World;
use crate::writer::{Feeds, Known};

const CORRECTED_AFTER: i32 = 7;
const LATE_BY: i32 = 3;
const WITHDRAWN_AFTER: i32 = 5;
/// Number, type and configuration of a term.
type Term<'a> = (u64, &'a str, &'a str);
const SUPPORT: Term<'static> = (4, "SupportTerm", "");

/// One revision of an agreement.
#[derive(Clone, Copy)]
struct Revision {
    status: &'static str,
    reason: &'static str,
    from: Moment,
    known: Known,
    /// The value was mistyped at first.
    value_off_by: i64,
}

pub fn deliver(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for agreement in world.ending_on(day) {
        end(world, feeds, &agreement)?;
    }
    for agreement in world.starting_on(day.plus(-CORRECTED_AFTER)).filter(is_corrected) {
        let known = Known { corrects: Some(agreement.start().plus(1)), ..Known::default() };
        let revision = Revision { known, ..accepted(&agreement) };
        write(world, feeds, &agreement, &Revision { value_off_by: 0, ..revision })?;
    }
    for agreement in world.starting_on(day.plus(-LATE_BY)).filter(Agreement::comes_late) {
        begin(world, feeds, &agreement)?;
    }
    for agreement in world.starting_on(day.plus(-WITHDRAWN_AFTER)).filter(has_withdrawn_term) {
        let known = Known { corrects: Some(agreement.start().plus(1)), deleted: true, ..Known::default() };
        term(feeds, &agreement, SUPPORT, known)?;
    }
    for agreement in world.starting_on(day).filter(|agreement| !agreement.comes_late()) {
        begin(world, feeds, &agreement)?;
    }
    Ok(())
}

/// Agreements that a support term was listed for by mistake.
fn has_withdrawn_term(agreement: &Agreement) -> bool {
    agreement.origin != Origin::Fill && agreement.key / 8 % 9 == 5 && !agreement.comes_late()
}

fn is_corrected(agreement: &Agreement) -> bool {
    agreement.key / 8 % 12 == 3 && !agreement.comes_late()
}

pub fn begin(world: &World, feeds: &mut Feeds, agreement: &Agreement) -> Result<(), Error> {
    write(world, feeds, agreement, &accepted(agreement))?;
    terms(feeds, agreement)?;
    if agreement.pattern == Pattern::Schedule && agreement.preceding.is_none() {
        charges(world, feeds, agreement)?;
    }
    details(world, feeds, agreement)
}

fn accepted(agreement: &Agreement) -> Revision {
    Revision {
        status: "ACTIVE",
        reason: "",
        from: agreement.started,
        known: Known { twice: agreement.key / 8 % 16 == 7, ..Known::default() },
        value_off_by: if is_corrected(agreement) && agreement.origin != Origin::Fill { 1 } else { 0 },
    }
}

fn end(world: &World, feeds: &mut Feeds, agreement: &Agreement) -> Result<(), Error> {
    let Some(ended) = agreement.ended() else { return Ok(()) };
    let (status, reason) = match agreement.ending {
        Ending::None => return Ok(()),
        Ending::Expired | Ending::Converted => ("EXPIRED", "TERM_ENDED"),
        Ending::Renewed => ("RENEWED", ""),
        Ending::Cancelled => ("CANCELLED", "BUYER_REQUEST"),
        Ending::Terminated => ("TERMINATED", "MUTUAL_CANCELLATION"),
        Ending::Replaced => ("REPLACED", ""),
    };
    write(world, feeds, agreement, &Revision { status, reason, from: ended, known: Known::default(), value_off_by: 0 })
}

fn write(world: &World, feeds: &mut Feeds, agreement: &Agreement, revision: &Revision) -> Result<(), Error> {
    let value = value(world, agreement);
    let end = if revision.status == "ACTIVE" { agreement.planned_end() } else { agreement.ended() };
    let intent = match agreement.preceding {
        Some((_, Ending::Renewed)) => "RENEW",
        Some((_, Ending::Replaced)) => "AMEND",
        _ => "NEW",
    };
    let continues = agreement.preceding.filter(|(_, ending)| *ending != Ending::Converted);
    let back_dated = agreement.key / 8 % 23 == 9;
    feeds
        .row(Export::Agreement)
        .text(revision.status)
        .text(agreement.currency(world).code())
        .cell(|cell| write_grouped(Amount(value.0 + i128::from(revision.value_off_by) * 10_000_000_000), cell))
        .id(agreement.id())
        .cell(|cell| {
            cell.push(b'[');
            Id::new(Kind::License, agreement.key).write_to(world.seed, cell);
            cell.push(b']');
        })
        .id(agreement.offer.seller.id())
        .id(agreement.customer.id())
        .id(agreement.offer.id())
        .maybe_id((agreement.key / 8 % 17 == 4).then(|| Id::new(Kind::OfferSet, agreement.key)))
        .whole(1)
        .moment(agreement.started)
        .maybe_moment(end)
        .moment(if back_dated { agreement.started.plus(-3 * 86_400) } else { agreement.started })
        .text(intent)
        .maybe_id(continues.map(|(key, _)| Id::new(Kind::Agreement, key)))
        .text(revision.reason)
        .text("AWSMarketplace")
        .known(revision.from, revision.known)
}

/// `1,000` and more with thousands marks, as the agreement feed shows it.
fn write_grouped(amount: Amount, cell: &mut Vec<u8>) {
    let mut text = Vec::new();
    amount.write_to(&mut text);
    let whole = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    for (at, byte) in text.iter().enumerate() {
        if at > 0 && at < whole && (whole - at) % 3 == 0 {
            cell.push(b',');
        }
        cell.push(*byte);
    }
}

/// Total value of the contract; nothing for usage alone.
fn value(world: &World, agreement: &Agreement) -> Amount {
    if !agreement.pattern.bills_at_start() {
        return Amount::ZERO;
    }
    let instalments = if agreement.pattern == Pattern::Schedule { INSTALMENTS } else { 1 };
    (0..instalments as u64).map(|number| instalment(world, agreement, number)).sum()
}

fn instalment(world: &World, agreement: &Agreement, number: u64) -> Amount {
    let day = agreement.start().plus(number as i32 * INSTALMENT_DAYS);
    let sale = Sale { agreement: *agreement, number, day, usage: None };
    let fate = crate::sale::Fate { half_cent: false, ..sale.fate(world) };
    let lines = sale.lines(world, &fate);
    lines.lines.iter().take(lines.count).map(|line| line.gross).sum()
}

fn terms(feeds: &mut Feeds, agreement: &Agreement) -> Result<(), Error> {
    let pricing = match agreement.pattern {
        Pattern::Hourly | Pattern::Metered | Pattern::Demonstration => "UsageBasedPricingTerm",
        Pattern::Contract | Pattern::Overage | Pattern::Resold | Pattern::Channel => "ConfigurableUpfrontPricingTerm",
        Pattern::Annual => "FixedUpfrontPricingTerm",
        Pattern::Schedule => "PaymentScheduleTerm",
        Pattern::Trial => "FreeTrialPricingTerm",
    };
    let quantity = 1 + agreement.key / 8 % 40;
    let configuration = match agreement.pattern {
        Pattern::Contract | Pattern::Overage | Pattern::Resold | Pattern::Channel | Pattern::Annual => {
            format!(r#"{{"selectorValue":"P12M","dimensions":[{{"dimensionKey":"seats","dimensionValue":{quantity}}}]}}"#)
        }
        Pattern::Schedule => format!(r#"{{"dimensions":[{{"dimensionKey":"platform, yearly","dimensionValue":{quantity}}}]}}"#),
        _ => String::new(),
    };
    term(feeds, agreement, (0, pricing, &configuration), Known::default())?;
    term(feeds, agreement, (1, "LegalTerm", ""), Known::default())?;
    if agreement.pattern == Pattern::Overage {
        term(feeds, agreement, (2, "UsageBasedPricingTerm", ""), Known::default())?;
    }
    if agreement.ending == Ending::Renewed {
        term(feeds, agreement, (3, "RenewalTerm", r#"{"enableAutoRenew":true}"#), Known::default())?;
    }
    if has_withdrawn_term(agreement) {
        term(feeds, agreement, SUPPORT, Known::default())?;
    }
    Ok(())
}

fn term(feeds: &mut Feeds, agreement: &Agreement, (number, term_type, configuration): Term<'_>, known: Known) -> Result<(), Error> {
    feeds
        .row(Export::AgreementTerm)
        .id(agreement.id())
        .id(Id::new(Kind::Term, agreement.key << 3 | number))
        .text(term_type)
        .text(configuration)
        .known(agreement.started, known)
}

fn charges(world: &World, feeds: &mut Feeds, agreement: &Agreement) -> Result<(), Error> {
    for number in 0..INSTALMENTS as u64 {
        let day = agreement.start().plus(number as i32 * INSTALMENT_DAYS);
        feeds
            .row(Export::AgreementCharge)
            .text(agreement.currency(world).code())
            .amount(instalment(world, agreement, number))
            .moment(day.start())
            .id(agreement.id())
            .id(Id::new(Kind::Term, agreement.key << 3))
            .known(agreement.started, Known::default())?;
    }
    Ok(())
}

fn details(world: &World, feeds: &mut Feeds, agreement: &Agreement) -> Result<(), Error> {
    let resold = agreement.offer.audience == Audience::Channel;
    let reseller = agreement.offer.seller;
    let row = feeds
        .row(Export::AgreementDetails)
        .text(&SELLER.company(world.seed))
        .text(&world.seller_number)
        .cell(|cell| write_account_number(world, agreement.customer, cell))
        .id(agreement.customer.encrypted_id())
        .text(&agreement.product.title())
        .id(agreement.offer.id())
        .text(agreement.offer.audience.visibility());
    let row = match resold {
        true => row.text(&reseller.company(world.seed)).cell(|cell| write_account_number(world, reseller, cell)),
        false => row.none().none(),
    };
    let value = value(world, agreement);
    let row = row.id(agreement.id()).moment(agreement.started).moment(agreement.started);
    let row = match agreement.planned_end() {
        Some(end) => row.moment(end),
        None => row.text("1-JAN-9999"),
    };
    row.text(if agreement.pattern == Pattern::Trial { "true" } else { "false" }).amount(value).end(1)
}
