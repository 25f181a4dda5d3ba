//! Metered usage, day by day, and its feed. What is billed for a month is the sum of these lines.

use crate::Error;
use crate::agreement::{Agreement, Pattern};
use crate::amount::Amount;
use crate::catalogue::Dimension;
use crate::chance::{Draws, Topic};
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::Day;
use crate::parties::SELLER;
use crate::places::Currency;
use crate::world::World;
use crate::writer::{Feeds, Known};

/// One line: what an agreement's user used of one dimension on one day.
#[derive(Clone, Copy, Debug)]
pub struct UsageLine {
    pub dimension: &'static Dimension,
    /// With two decimals.
    pub quantity: Amount,
    /// Per unit in the agreement's currency, with six decimals.
    pub rate: Amount,
    /// quantity × rate, in full.
    pub worth: Amount,
}

/// Of a thousand agreement days, how many see usage.
const USED_DAYS: u64 = 250;
const LATE_LAG: i32 = 3;
const CORRECTION_LAG: i32 = 6;
const DELETION_LAG: i32 = 2;

/// What the delivery makes of a day's usage of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Prompt,
    Late,
    Twice,
    /// First with another quantity, later with the right one.
    Corrected,
    /// Delivered by mistake and deleted: nothing was used.
    Withdrawn,
}

impl World {
    /// Lines of a day, one or two, and how they were delivered; none for most agreements on most days.
    pub fn usage_on(&self, agreement: &Agreement, day: Day) -> [Option<UsageLine>; 2] {
        let mut draws = self.usage_draws(agreement, day);
        let used_days = match (agreement.story.is_some(), self.is_watched(day)) {
            (true, true) => 1_000,
            (true, false) => USED_DAYS / 3,
            _ => USED_DAYS,
        };
        if draws.below(1_000) >= used_days {
            return [None, None];
        }
        let currency = agreement.currency(self);
        let dimensions = agreement.product.dimensions();
        let first = ((agreement.key >> 3) % dimensions.len() as u64) as usize;
        let one = self.usage_line(agreement, &dimensions[first], currency, &mut draws);
        let second = draws.one_in(4);
        let two = second.then(|| self.usage_line(agreement, &dimensions[(first + 1) % dimensions.len()], currency, &mut draws));
        [Some(one), two]
    }

    fn usage_draws(&self, agreement: &Agreement, day: Day) -> Draws {
        Draws::of(self.seed, Topic::Usage, agreement.key << 16 | day.0 as u64)
    }

    fn usage_line(&self, agreement: &Agreement, dimension: &'static Dimension, currency: Currency, draws: &mut Draws) -> UsageLine {
        let hundredths = match draws.below(3) {
            0 => 2_400,
            1 => draws.between(1, 24) * 100,
            _ => draws.between(1, 2_399),
        };
        let quantity = Amount::scaled(hundredths, 2);
        let dollars = Amount::scaled(dimension.millionths, 6);
        let in_currency = currency.priced(dollars);
        // Six decimals at most.
        let rate = Amount(in_currency.0 / 10_000 * 10_000);
        let rate = if agreement.pattern.usage_costs() { rate } else { Amount::ZERO };
        UsageLine { dimension, quantity, rate, worth: rate.share(hundredths, 100) }
    }

    fn delivery(&self, agreement: &Agreement, day: Day) -> Delivery {
        let mut draws = self.usage_draws(agreement, day.plus(20_000));
        if agreement.story.is_some() {
            return Delivery::Prompt;
        }
        match draws.below(60) {
            0 | 1 => Delivery::Late,
            2 | 3 => Delivery::Twice,
            4 => Delivery::Corrected,
            5 => Delivery::Withdrawn,
            _ => Delivery::Prompt,
        }
    }

    /// What a span of usage is worth by line, and on how many days there was some.
    pub fn usage_of(&self, agreement: &Agreement, first: Day, last: Day) -> ([Amount; 2], u64) {
        let mut worth = [Amount::ZERO; 2];
        let mut days = 0;
        for day in first.until(last) {
            let lines = self.usage_on(agreement, day);
            if lines[0].is_some() && self.delivery(agreement, day) != Delivery::Withdrawn {
                days += 1;
                for (sum, line) in worth.iter_mut().zip(lines) {
                    *sum += line.map_or(Amount::ZERO, |line| line.worth);
                }
            }
        }
        (worth, days)
    }
}

/// Delivers the usage of a day, and what comes late or is put right for the days before.
pub fn deliver(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    for (lag, wanted) in [(LATE_LAG, Delivery::Late), (CORRECTION_LAG, Delivery::Corrected), (DELETION_LAG, Delivery::Withdrawn)] {
        let used = day.plus(-lag);
        for agreement in metered(world, used) {
            if world.delivery(&agreement, used) == wanted {
                let known = match wanted {
                    Delivery::Corrected => Known { corrects: Some(used.plus(1)), ..Known::default() },
                    Delivery::Withdrawn => Known { corrects: Some(used.plus(1)), deleted: true, ..Known::default() },
                    _ => Known::default(),
                };
                write_day(world, feeds, &agreement, used, known, Amount::ZERO)?;
            }
        }
    }
    for agreement in metered(world, day) {
        let delivery = world.delivery(&agreement, day);
        let known = Known { twice: delivery == Delivery::Twice, ..Known::default() };
        let wrong_by = if delivery == Delivery::Corrected { Amount::cents(100) } else { Amount::ZERO };
        if delivery != Delivery::Late {
            write_day(world, feeds, &agreement, day, known, wrong_by)?;
        }
    }
    Ok(())
}

fn metered(world: &World, day: Day) -> impl Iterator<Item = Agreement> + '_ {
    world.running(day, day, Pattern::is_metered)
}

fn write_day(world: &World, feeds: &mut Feeds, agreement: &Agreement, day: Day, known: Known, wrong_by: Amount) -> Result<(), Error> {
    let term = match agreement.pattern {
        Pattern::Trial => "Free trial",
        Pattern::Annual => "Annual",
        Pattern::Demonstration => "Field demonstration",
        _ => "Hourly",
    };
    for (at, line) in world.usage_on(agreement, day).into_iter().flatten().enumerate() {
        let quantity = line.quantity + wrong_by;
        let worth = Amount(line.rate.0 * (quantity.0 / 100_000_000) / 100);
        let key = agreement.key << 17 | (day.0 as u64) << 1 | at as u64;
        feeds
            .row(Export::DailyUsage)
            .id(Id::new(Kind::Usage, key))
            .moment(day.start())
            .id(agreement.product_id())
            .maybe_id(agreement.is_named_by_usage().then(|| agreement.id()))
            .id(agreement.customer.id())
            .id(agreement.payer().id())
            .text(line.dimension.region)
            .text(line.dimension.key)
            .text(line.dimension.unit)
            .amount(quantity)
            .text(agreement.currency(world).code())
            .amount(worth.to_cents())
            .id(SELLER.id())
            .id(agreement.offer.id())
            .amount(line.rate)
            .cell(|cell| {
                for part in [term, " | ", line.dimension.region, " | ", line.dimension.key] {
                    cell.extend_from_slice(part.as_bytes());
                }
            })
            .known(day.start(), known)?;
    }
    Ok(())
}
