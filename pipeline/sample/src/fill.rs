//! Small purchases in the last weeks that make the number of billing events exact. Nothing follows from them within the span.

use crate::Error;
use crate::agreement::{Agreement, Ending, Origin, Pattern};
use crate::agreement_feed;
use crate::billing::Billing;
use crate::catalogue::{Audience, Offer, Product};
use crate::event;
use crate::moment::Day;
use crate::places::Broker;
use crate::sale::{Charge, Fate, Sale};
use crate::world::World;
use crate::writer::{Feeds, Known};

/// After the last regular disbursement.
const FROM: Day = Day::of(2026, 3, 13);

/// The purchases so far.
#[derive(Default)]
pub struct Fill {
    purchases: u64,
}

impl Fill {
    /// Brings a day's billing events to its share of what is missing: all of it on the last day.
    pub fn deliver(&mut self, billing: &mut Billing, world: &World, feeds: &mut Feeds, day: Day, before: u64) -> Result<(), Error> {
        if day < FROM {
            return Ok(());
        }
        let days_left = (world.last.0 - day.0 + 1) as u64;
        let until = before + world.events.saturating_sub(before) / days_left;
        while billing.events < until {
            let Some(agreement) = world.purchase(day, self.purchases) else { break };
            self.purchases += 1;
            agreement_feed::begin(world, feeds, &agreement)?;
            invoice(billing, world, feeds, agreement, until)?;
        }
        Ok(())
    }
}

fn invoice(billing: &mut Billing, world: &World, feeds: &mut Feeds, agreement: Agreement, until: u64) -> Result<(), Error> {
    let sale = Sale { agreement, number: 0, day: agreement.start(), usage: None };
    let fate = Fate { half_cent: false, ..sale.fate(world) };
    let lines = sale.lines(world, &fate);
    for posting in sale.postings(world, &lines).filter(|posting| posting.charge != Charge::Tax) {
        if billing.events < until {
            billing.write(feeds, &event::invoiced(world, &sale, &fate, &posting), Known::default())?;
        }
    }
    Ok(())
}

impl World {
    /// A purchase by a customer that is already there and pays in dollars.
    fn purchase(&self, day: Day, number: u64) -> Option<Agreement> {
        let like = (0..self.agreements)
            .map(|step| self.drawn((number * 7 + step) % self.agreements))
            .find(|agreement| agreement.start() <= day && agreement.pattern != Pattern::Channel && agreement.broker(self) == Broker::Inc)?;
        let product = Product(like.product.0 / 4 * 4 + 1);
        Some(Agreement {
            key: number << 3 | Origin::Fill as u64,
            origin: Origin::Fill,
            pattern: Pattern::Contract,
            started: day.at((number * 613 % 80_000) as i64),
            ends: Some(day.plus(365)),
            ending: Ending::Expired,
            product,
            offer: Offer::standing(Audience::Public, product),
            preceding: None,
            story: None,
            ..like
        })
    }
}
