//! The sizes of a made-up seller's world, all of which follow from the options. Knows no feed's columns.

use crate::billing::Billing;
use crate::moment::Day;
use crate::writer::Feeds;
use crate::{Error, Options, disbursement};

/// First business day: what happens before February 2025 is delivered by the backfill.
const FIRST: Day = Day::of(2024, 11, 15);
/// Last business day; its rows are delivered on 2026-03-31.
const LAST: Day = Day::of(2026, 3, 30);
/// The days around those that the reports of 2026-03-15 and 2026-03-16 cover: the scripted agreements are busy then.
const WATCHED: [Day; 2] = [Day::of(2026, 3, 8), Day::of(2026, 3, 16)];

/// Parts of a thousand billing events that drawn and scripted agreements have; small purchases at the end make up the rest.
const DRAWN_PART: u64 = 965;
/// Worlds up to this size are fitted by counting them; larger ones by counting two small ones.
const COUNTED_EVENTS: u64 = 20_000;
const FITTING_PASSES: u64 = 5;
/// Billing events of a drawn agreement, to begin with.
const EVENTS_PER_AGREEMENT: u64 = 46;
const FEWEST_AGREEMENTS: u64 = 4;

pub struct World {
    pub seed: u64,
    /// Billing events asked for.
    pub events: u64,
    pub seller_number: String,
    /// Drawn agreements.
    pub agreements: u64,
    /// Products, a multiple of four.
    pub products: u64,
    pub first: Day,
    pub last: Day,
}

impl World {
    pub fn new(options: &Options) -> Result<Self, Error> {
        let mut world = World {
            seed: options.seed,
            events: options.events,
            seller_number: options.seller_account.clone(),
            agreements: FEWEST_AGREEMENTS,
            products: (8 + options.events / 5_000 * 4).min(400),
            first: FIRST,
            last: LAST,
        };
        world.agreements = world.fitting()?;
        Ok(world)
    }

    /// The number of drawn agreements that have almost as many billing events as asked for.
    fn fitting(&mut self) -> Result<u64, Error> {
        let wanted = self.events / 1_000 * DRAWN_PART + self.events % 1_000 * DRAWN_PART / 1_000;
        if self.events > COUNTED_EVENTS {
            let (few, many) = (40, 400);
            let (of_few, of_many) = (self.count(few)?, self.count(many)?);
            let fitting = few + wanted.saturating_sub(of_few) * (many - few) / (of_many - of_few).max(1);
            return Ok(fitting);
        }
        let (mut low, mut high) = (FEWEST_AGREEMENTS, (wanted / EVENTS_PER_AGREEMENT * 2).max(FEWEST_AGREEMENTS + 1));
        for _ in 0..FITTING_PASSES.max(u64::from((high - low).ilog2())) {
            let middle = low + (high - low) / 2;
            if self.count(middle)? <= wanted { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// Billing events of the world with a number of drawn agreements.
    fn count(&mut self, agreements: u64) -> Result<u64, Error> {
        self.agreements = agreements;
        let mut feeds = Feeds::nowhere(self.seed);
        let mut billing = Billing::default();
        for day in self.first.until(self.last) {
            billing.deliver(self, &mut feeds, day)?;
            disbursement::deliver(&mut billing, self, &mut feeds, day)?;
        }
        Ok(billing.events)
    }

    pub fn is_watched(&self, day: Day) -> bool {
        (WATCHED[0]..=WATCHED[1]).contains(&day)
    }

    /// Rows of one feed that share an update time, so that the busiest day fits into a day.
    pub fn rows_a_second(&self) -> u64 {
        1 + self.events / 40_000
    }
}
