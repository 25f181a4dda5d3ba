//! The product, offer, offer product, offer target and legacy id feeds, and the product pages.

use crate::Error;
use crate::agreement::Agreement;
use crate::catalogue::{Audience, Offer, Product, Sort};
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::SELLER;
use crate::party_feed::write_account_number;
use crate::world::World;
use crate::writer::{Feeds, Known};

/// Days after the start of the span on which something in the catalogue changes, spread by product.
const CORRECTED_AFTER: i32 = 3;
const RENAMED_AFTER: i32 = 120;
const REVISED_AFTER: i32 = 200;
const RETIRED_AFTER: i32 = 300;
/// A private offer with a second revision gets it this long after its first.
const PRIVATE_REVISED_AFTER: i32 = 6;
/// The product that is listed by mistake and deleted again.
const MISTAKE: Product = Product(1 << 40);
const FOREVER: Day = Day::of(9999, 1, 1);

pub fn deliver(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    let age = day.0 - world.first.0;
    let listed = world.first.start();
    if age == 0 {
        pages(world, feeds)?;
    }
    for product in (0..world.products).map(Product) {
        let spread = (product.0 % 40) as i32;
        if age == 0 {
            let title = product.mistyped_title().unwrap_or_else(|| product.title());
            let known = Known { insert_only: product.0 % 7 == 6, twice: product.0 % 9 == 8, ..Known::default() };
            write_product(feeds, product, &title, listed, known)?;
            write_standing(feeds, product, listed)?;
            write_legacy(feeds, product, listed)?;
        }
        if age == CORRECTED_AFTER && product.mistyped_title().is_some() {
            let known = Known { corrects: Some(world.first.plus(1)), ..Known::default() };
            write_product(feeds, product, &product.title(), listed, known)?;
        }
        if let Some(title) = product.new_title().filter(|_| age == RENAMED_AFTER + spread * 7) {
            write_product(feeds, product, &title, day.at(30_000), Known::default())?;
        }
        if age == REVISED_AFTER + spread {
            write_offer(feeds, &Offer::standing(Audience::Public, product), 2, day.start())?;
        }
    }
    if age == RETIRED_AFTER {
        write_product(feeds, MISTAKE, "Listed by mistake", day.start(), Known::default())?;
    }
    if age == RETIRED_AFTER + 2 {
        let from = day.plus(-2);
        let known = Known { corrects: Some(from.plus(1)), deleted: true, ..Known::default() };
        write_product(feeds, MISTAKE, "Listed by mistake", from.start(), known)?;
    }
    for agreement in world.starting_on(day) {
        made_for(world, feeds, &agreement, 1)?;
    }
    for agreement in world.starting_on(day.plus(-PRIVATE_REVISED_AFTER)) {
        if agreement.offer.revisions() > 1 {
            made_for(world, feeds, &agreement, 2)?;
        }
    }
    Ok(())
}

/// The offer that was made for one agreement.
fn made_for(world: &World, feeds: &mut Feeds, agreement: &Agreement, revision: u64) -> Result<(), Error> {
    let from = match revision {
        1 => agreement.start().plus(-2).at(32_400),
        _ => agreement.start().plus(PRIVATE_REVISED_AFTER).at(32_400),
    };
    if !matches!(agreement.offer.audience, Audience::Private | Audience::Channel) {
        return Ok(());
    }
    write_offer(feeds, &agreement.offer, revision, from)?;
    write_target(feeds, &agreement.offer, revision, from, |cell| {
        write_account_number(world, agreement.customer, cell);
    })
}

fn write_product(feeds: &mut Feeds, product: Product, title: &str, from: Moment, known: Known) -> Result<(), Error> {
    feeds.row(Export::Product).id(product.id()).id(product.manufacturer().id()).id(product.code()).text(title).known(from, known)
}

fn write_standing(feeds: &mut Feeds, product: Product, from: Moment) -> Result<(), Error> {
    for audience in Audience::STANDING {
        if audience != Audience::Public && product.sort() == Sort::Resold {
            continue;
        }
        let offer = Offer::standing(audience, product);
        write_offer(feeds, &offer, 1, from)?;
        if let Some((_, value)) = offer.target() {
            write_target(feeds, &offer, 1, from, |cell| cell.extend_from_slice(value.as_bytes()))?;
        }
    }
    Ok(())
}

fn write_offer(feeds: &mut Feeds, offer: &Offer, revision: u64, from: Moment) -> Result<(), Error> {
    let private = matches!(offer.audience, Audience::Private | Audience::Channel);
    let registered = private && !(offer.agreement / 8).is_multiple_of(3);
    let number = offer.agreement % 1_000_000;
    let description = match number % 3 {
        0 => "Co-sell, second stage".to_owned(),
        1 => format!("Deal \"{number}\""),
        _ => "=A1 resale authorization".to_owned(),
    };
    feeds
        .row(Export::Offer)
        .id(offer.id())
        .whole(revision)
        .text(&offer.name(revision))
        .moment(if private { from.day().plus(60).end() } else { FOREVER.start() })
        .text(if registered { format!("Opportunity {number}") } else { String::new() }.as_str())
        .text(if registered { description.as_str() } else { "" })
        .id(offer.seller.id())
        .text(if registered { format!("opp-{number:09}") } else { String::new() }.as_str())
        .id(SELLER.id())
        .known(from, Known { insert_only: offer.product.0 % 11 == 5, ..Known::default() })?;
    feeds.row(Export::OfferProduct).id(offer.id()).whole(revision).id(offer.product.id()).known(from, Known::default())
}

fn write_target(feeds: &mut Feeds, offer: &Offer, revision: u64, from: Moment, value: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
    let Some((target_type, _)) = offer.target() else { return Ok(()) };
    feeds
        .row(Export::OfferTarget)
        .id(Id::new(Kind::OfferTarget, offer.id().key << 2 | revision))
        .id(offer.id())
        .whole(revision)
        .text(target_type)
        .text("PositiveTargeting")
        .cell(value)
        .known(from, Known::default())
}

fn write_legacy(feeds: &mut Feeds, product: Product, from: Moment) -> Result<(), Error> {
    let Some(legacy) = product.legacy_id() else { return Ok(()) };
    feeds.row(Export::LegacyIdMapping).text("PRODUCT").id(legacy).id(product.id()).known(from, Known::default())?;
    feeds
        .row(Export::LegacyIdMapping)
        .text("OFFER")
        .id(Id::new(Kind::LegacyOffer, product.0))
        .id(Offer::standing(Audience::Public, product).id())
        .known(from, Known { insert_only: true, ..Known::default() })
}

/// Pages of all products but one: its visits stay without a title.
fn pages(world: &World, feeds: &mut Feeds) -> Result<(), Error> {
    for product in (0..world.products).map(Product).filter(|product| product.0 != WITHOUT_PAGE) {
        let title = product.new_title().unwrap_or_else(|| product.title());
        feeds.row(Export::ProductPages).id(product.asin()).id(product.code()).text(&title).end(1)?;
    }
    Ok(())
}

const WITHOUT_PAGE: u64 = 5;
