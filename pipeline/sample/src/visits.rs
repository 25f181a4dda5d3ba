//! The exports that no feed of AWS has: site visits with ref tags, and launched instances.

use crate::Error;
use crate::agreement::{Agreement, Pattern};
use crate::catalogue::{Product, Sort};
use crate::chance::{Draws, Topic};
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::Account;
use crate::world::World;
use crate::writer::Feeds;

const TAGS: [&str; 9] =
    ["_ptnr_vdr_rf", "hp_ptnr_launch", "ads_search_firewall", "ads_Display", "srh_res_product_title", "Ads_upper", "beagle", "newsletter-03", "_ptnr_web"];
const LATE_LAG: i32 = 3;
/// A session a day that nobody can be named for, for so many billing events.
const EVENTS_PER_ANONYMOUS: u64 = 4_000;

/// One visitor's session on one product page.
struct Session {
    id: Id,
    visitor: Option<Account>,
    product: Product,
    starts: Moment,
    late: bool,
    /// Its last step opens the subscription.
    subscribes: bool,
    draws: Draws,
}

pub fn deliver(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for session in sessions(world, day.plus(-LATE_LAG)).into_iter().filter(|session| session.late) {
        write(world, feeds, &session, |_| true)?;
    }
    // Sessions that began before midnight.
    for session in sessions(world, day.plus(-1)).into_iter().filter(|session| !session.late) {
        write(world, feeds, &session, |at| at.day() == day)?;
    }
    for session in sessions(world, day).into_iter().filter(|session| !session.late) {
        write(world, feeds, &session, |at| at.day() == day)?;
    }
    launches(world, feeds, day)
}

/// The scripted agreements are busy in the days that the reports look at.
fn is_busy(world: &World, agreement: &Agreement, day: Day) -> bool {
    agreement.story.is_some() && world.is_watched(day)
}

fn sessions(world: &World, day: Day) -> Vec<Session> {
    let mut found = Vec::new();
    if day < world.first {
        return found;
    }
    for agreement in world.running(day, day, Pattern::is_metered) {
        let mut draws = Draws::of(world.seed, Topic::Visit, agreement.key << 16 | day.0 as u64);
        if draws.one_in(if is_busy(world, &agreement, day) { 3 } else { 30 }) {
            let visitor = (!draws.one_in(8)).then_some(agreement.customer);
            found.push(session(agreement.key << 16 | day.0 as u64, visitor, agreement.product, day, draws));
        }
    }
    let mut draws = Draws::of(world.seed, Topic::Anonymous, day.0 as u64);
    let more = u64::from(draws.below(EVENTS_PER_ANONYMOUS) < world.events % EVENTS_PER_ANONYMOUS);
    for number in 0..world.events / EVENTS_PER_ANONYMOUS + more {
        let key = 1 << 60 | (day.0 as u64) << 24 | number;
        let mut draws = Draws::of(world.seed, Topic::Anonymous, key);
        let product = Product(draws.below(world.products));
        found.push(session(key, None, product, day, draws));
    }
    found
}

fn session(key: u64, visitor: Option<Account>, product: Product, day: Day, mut draws: Draws) -> Session {
    // Some start minutes before midnight.
    let second = if draws.one_in(10) { 86_400 - draws.between(20, 200) } else { draws.between(0, 82_000) };
    let (late, subscribes) = (draws.one_in(16), draws.one_in(3));
    Session { id: Id::new(Kind::Session, key), visitor, product, starts: day.at(second), late, subscribes, draws }
}

fn write(world: &World, feeds: &mut Feeds, session: &Session, wanted: impl Fn(Moment) -> bool) -> Result<(), Error> {
    let mut draws = session.draws;
    let drawn = *draws.pick(&TAGS);
    // Scripted visitors take the tags in turn, so that each comes up in small sets too.
    let tag = match session.visitor.filter(|visitor| visitor.is_scripted()) {
        Some(visitor) => TAGS[((visitor.0 + session.starts.day().0 as u64) % TAGS.len() as u64) as usize],
        None => drawn,
    };
    let shape = draws.below(12);
    let only_subscribe = draws.one_in(9);
    let steps = draws.between(1, 3);
    for step in 0..steps {
        let at = session.starts.plus(step * 97);
        let subscribes = only_subscribe || (step > 0 && step == steps - 1 && session.subscribes);
        let twice = draws.one_in(14);
        if !wanted(at) {
            continue;
        }
        feeds
            .row(Export::SiteVisits)
            .moment(at)
            .id(session.id)
            .maybe_id(session.visitor.map(Account::id))
            .cell(|cell| path(world, session.product, tag, shape, cell))
            .text(if subscribes { "subscribe_open" } else { "view" })
            .end(if twice { 2 } else { 1 })?;
        if only_subscribe {
            break;
        }
    }
    Ok(())
}

fn path(world: &World, product: Product, tag: &str, shape: u64, cell: &mut Vec<u8>) {
    if shape == 0 {
        cell.extend_from_slice(b"/marketplace/search/ref=");
        cell.extend_from_slice(tag.as_bytes());
        return;
    }
    cell.extend_from_slice(b"/marketplace/pp/");
    product.asin().write_to(world.seed, cell);
    let (before, after) = match shape {
        1 => ("", ""),
        2 => ("/ref=", "?sr=0-1&qid=17"),
        3 => ("/ref=", "#pricing"),
        4 => ("/ref=", "/details"),
        _ => ("/ref=", ""),
    };
    if !before.is_empty() {
        cell.extend_from_slice(before.as_bytes());
        cell.extend_from_slice(tag.as_bytes());
        cell.extend_from_slice(after.as_bytes());
    }
}

fn launches(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for agreement in world.running(day, day, Pattern::is_metered).filter(|agreement| agreement.product.sort() == Sort::Image) {
        let mut draws = Draws::of(world.seed, Topic::Launch, agreement.key << 16 | day.0 as u64);
        if !draws.one_in(if is_busy(world, &agreement, day) { 2 } else { 60 }) {
            continue;
        }
        let dimensions = agreement.product.dimensions();
        let dimension = dimensions[((agreement.key >> 3) % dimensions.len() as u64) as usize];
        for number in 0..=draws.below(3) {
            feeds
                .row(Export::InstanceLaunches)
                .moment(day.at((draws.below(80_000) + number) as i64))
                .id(agreement.customer.id())
                .id(agreement.product.id())
                .text(dimension.key)
                .id(Id::new(Kind::Instance, agreement.key << 20 | (day.0 as u64) << 2 | number))
                .end(1)?;
        }
    }
    Ok(())
}
