//! The day's billing: what is invoiced, comes late, is put right, refunded, forgiven and collected. Disbursements are apart.

use crate::Error;
use crate::amount::Amount;
use crate::documented;
use crate::event::{self, Event, Step};
use crate::identity::{Id, Kind};
use crate::moment::Day;
use crate::places::{Broker, Currency};
use crate::sale::{ADJUSTMENT_LAGS, Adjustment, COLLECTION_LAGS, CORRECTION_LAG, Charge, FEE_LAG, Fate, LATE_LAGS, Lines, Posting, Sale};
use crate::tax_feed;
use crate::untied;
use crate::world::World;
use crate::writer::{Feeds, Known};

/// What a corrected amount was said to be too much at first.
const WRONG_BY: Amount = Amount::cents(100);

/// Writes billing events and counts them: one for each id, however often it is delivered.
#[derive(Default)]
pub struct Billing {
    pub events: u64,
}

impl Billing {
    pub fn write(&mut self, feeds: &mut Feeds, event: &Event, known: Known) -> Result<(), Error> {
        if known.corrects.is_none() {
            self.events += 1;
        }
        event.write(feeds, known)
    }

    /// Everything of a day but disbursements.
    pub fn deliver(&mut self, world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
        for lag in LATE_LAGS {
            self.invoice(world, feeds, day.plus(-lag), lag)?;
        }
        self.correct(world, feeds, day.plus(-CORRECTION_LAG))?;
        self.bill_fees(world, feeds, day.plus(-FEE_LAG))?;
        for lag in ADJUSTMENT_LAGS {
            self.adjust(world, feeds, day.plus(-lag), lag)?;
        }
        for lag in COLLECTION_LAGS {
            self.collect(world, feeds, day.plus(-lag), lag)?;
        }
        self.adjust_balance(feeds, day)?;
        documented::deliver(self, world, feeds, day)?;
        untied::deliver(self, feeds, day)?;
        self.invoice(world, feeds, day, 0)
    }

    /// The sales of a day whose rows come `late` days late.
    fn invoice(&mut self, world: &World, feeds: &mut Feeds, day: Day, late: i32) -> Result<(), Error> {
        for sale in sales(world, day) {
            let fate = sale.fate(world);
            if fate.late == late {
                self.invoice_sale(world, feeds, &sale, &fate)?;
            }
        }
        Ok(())
    }

    fn invoice_sale(&mut self, world: &World, feeds: &mut Feeds, sale: &Sale, fate: &Fate) -> Result<(), Error> {
        let lines = sale.lines(world, fate);
        for posting in sale.postings(world, &lines) {
            if posting.charge == Charge::Fee && sale.bills_fee_apart(world) {
                continue;
            }
            let mut event = event::invoiced(world, sale, fate, &posting);
            let is_revenue = posting.charge == Charge::Revenue;
            if fate.corrected && is_revenue {
                event.amount += WRONG_BY;
            }
            self.write(feeds, &event, Known { twice: fate.twice && is_revenue, ..Known::default() })?;
        }
        tax_feed::of_sale(world, feeds, sale, &lines)
    }

    fn correct(&mut self, world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
        for sale in sales(world, day) {
            let fate = sale.fate(world);
            if !fate.corrected {
                continue;
            }
            let lines = sale.lines(world, &fate);
            for posting in sale.postings(world, &lines).filter(|posting| posting.charge == Charge::Revenue) {
                let event = event::invoiced(world, &sale, &fate, &posting);
                let first = sale.day.plus(1 + fate.late);
                self.write(feeds, &event, Known { corrects: Some(first), ..Known::default() })?;
            }
        }
        Ok(())
    }

    fn bill_fees(&mut self, world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
        for sale in sales(world, day).filter(|sale| sale.bills_fee_apart(world)) {
            let fate = sale.fate(world);
            let lines = sale.lines(world, &fate);
            for posting in sale.postings(world, &lines).filter(|posting| posting.charge == Charge::Fee) {
                self.write(feeds, &event::invoiced(world, &sale, &fate, &posting), Known::default())?;
            }
        }
        Ok(())
    }

    fn adjust(&mut self, world: &World, feeds: &mut Feeds, day: Day, lag: i32) -> Result<(), Error> {
        for sale in sales(world, day) {
            let fate = sale.fate(world);
            let Some((adjustment, _)) = fate.adjustment.filter(|(_, after)| *after == lag) else { continue };
            let lines = sale.lines(world, &fate);
            for (event, _) in adjustments(world, &sale, &fate, &lines, adjustment, lag) {
                self.write(feeds, &event, Known::default())?;
            }
            if adjustment != Adjustment::Credit && adjustment != Adjustment::Forgiven {
                tax_feed::of_refund(world, feeds, &sale, &lines, adjustment, lag)?;
            }
        }
        Ok(())
    }

    fn collect(&mut self, world: &World, feeds: &mut Feeds, day: Day, lag: i32) -> Result<(), Error> {
        for sale in sales(world, day) {
            let fate = sale.fate(world);
            if fate.collected_after != Some(lag) {
                continue;
            }
            let lines = sale.lines(world, &fate);
            let at = day.plus(lag).at(43_200);
            for posting in sale.postings(world, &lines).filter(|posting| posting.charge == Charge::Revenue) {
                let invoiced = event::invoiced(world, &sale, &fate, &posting);
                let id = event::event_id(&sale, &posting, Step::Collected, 0, 0);
                let disbursed = invoiced.disbursed.map(|(_, amount)| -amount);
                let event = event::settled(&invoiced, id, "COLLECTED", -posting.amount, disbursed, at);
                self.write(feeds, &event, Known::default())?;
            }
        }
        Ok(())
    }

    fn adjust_balance(&mut self, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
        match balance_adjustment(day) {
            Some(event) => self.write(feeds, &event, Known::default()),
            None => Ok(()),
        }
    }
}

/// Sales of a day within the span.
fn sales(world: &World, day: Day) -> impl Iterator<Item = Sale> + '_ {
    (world.first..=world.last).contains(&day).then(|| world.sales_on(day)).into_iter().flatten()
}

/// The rows of a sale's adjustment with the amounts behind them.
pub fn adjustments(world: &World, sale: &Sale, fate: &Fate, lines: &Lines, adjustment: Adjustment, lag: i32) -> Vec<(Event, Posting)> {
    let at = sale.day.plus(lag).at(50_400);
    sale.adjusted(world, lines, adjustment).map(|posting| (event::adjusted(world, sale, fate, &posting, adjustment, at), posting)).collect()
}

/// Every second month the seller's balance is put right by some dollars.
pub fn balance_adjustment(day: Day) -> Option<Event> {
    let (year, month) = day.year_month();
    if day.day_of_month() != 25 || month % 2 == 1 {
        return None;
    }
    let months = year as u64 * 12 + u64::from(month);
    let amount = Amount::scaled(12_345_678 * (1 + (months % 3) as i64), 6);
    let id = Id::new(Kind::BillingEvent, 1 << 61 | months << 12);
    let amount = if months.is_multiple_of(4) { -amount } else { amount };
    let bare = Event::of_account(id, Broker::Inc, "BALANCE_ADJUSTMENT", Currency::Usd, amount, day.at(61_200));
    Some(Event { action: "INVOICED", counts: true, ..bare })
}
