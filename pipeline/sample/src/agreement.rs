//! The agreements: who bought what under which offer, from when to when. An agreement follows from its number alone, so the
//! day's agreements are found by arithmetic and none is kept. Knows no feed.

use crate::catalogue::{Audience, Offer, Product};
use crate::chance::{Draws, Topic};
use crate::identity::{Id, Kind};
use crate::moment::{Day, Moment};
use crate::parties::{Account, SELLER};
use crate::places::{Broker, Currency, Place};
use crate::stories::{STORIES, Story, is_first_met};
use crate::world::World;

/// How an agreement earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Pay as you go, by the hour.
    Hourly,
    /// Pay as you go, by other units.
    Metered,
    /// Paid at purchase.
    Contract,
    /// Paid at purchase, usage above it by the month.
    Overage,
    /// Paid at purchase for a year of hours.
    Annual,
    /// Paid in instalments.
    Schedule,
    /// A manufacturer's product that the seller resells.
    Resold,
    /// The seller's product that a reseller sells.
    Channel,
    /// AWS demonstrates the product in the field; nothing is owed.
    Demonstration,
    /// Thirty days for nothing.
    Trial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    None,
    Expired,
    /// Followed by an agreement of the same terms.
    Renewed,
    /// A trial that its subscriber goes on to pay for.
    Converted,
    Cancelled,
    Terminated,
    /// Replaced by an amended agreement.
    Replaced,
}

/// The ways in which an agreement comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Origin {
    Drawn = 0,
    Successor,
    Story,
    StorySuccessor,
    Fill,
}

#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    pub key: u64,
    pub origin: Origin,
    pub pattern: Pattern,
    pub started: Moment,
    pub ends: Option<Day>,
    pub ending: Ending,
    pub customer: Account,
    pub product: Product,
    pub offer: Offer,
    /// The agreement before it and why there is a new one.
    pub preceding: Option<(u64, Ending)>,
    pub story: Option<&'static Story>,
}

/// Lengths in days of drawn agreements: an agreement that ends on a day began one of these before it.
const LENGTHS: [i32; 8] = [21, 30, 40, 90, 100, 180, 220, 365];
const SUCCESSOR_LENGTH: i32 = 730;
const YEAR: i32 = 365;
pub const INSTALMENT_DAYS: i32 = 30;

const PATTERNS: [Pattern; 20] = [
    Pattern::Hourly,
    Pattern::Contract,
    Pattern::Hourly,
    Pattern::Metered,
    Pattern::Hourly,
    Pattern::Schedule,
    Pattern::Hourly,
    Pattern::Resold,
    Pattern::Hourly,
    Pattern::Contract,
    Pattern::Trial,
    Pattern::Hourly,
    Pattern::Channel,
    Pattern::Hourly,
    Pattern::Overage,
    Pattern::Demonstration,
    Pattern::Hourly,
    Pattern::Annual,
    Pattern::Contract,
    Pattern::Hourly,
];

fn pattern_of(number: u64) -> Pattern {
    PATTERNS[(number % PATTERNS.len() as u64) as usize]
}

impl Pattern {
    pub fn bills_monthly(self) -> bool {
        matches!(self, Pattern::Hourly | Pattern::Metered | Pattern::Overage | Pattern::Demonstration)
    }

    pub fn bills_at_start(self) -> bool {
        matches!(self, Pattern::Contract | Pattern::Overage | Pattern::Annual | Pattern::Schedule | Pattern::Resold | Pattern::Channel)
    }

    pub fn is_metered(self) -> bool {
        self.bills_monthly() || matches!(self, Pattern::Trial | Pattern::Annual)
    }

    /// Usage that its buyer pays for.
    pub fn usage_costs(self) -> bool {
        matches!(self, Pattern::Hourly | Pattern::Metered | Pattern::Overage)
    }
}

impl Agreement {
    pub fn id(&self) -> Id {
        Id::new(Kind::Agreement, self.key)
    }

    pub fn start(&self) -> Day {
        self.started.day()
    }

    pub fn ended(&self) -> Option<Moment> {
        self.ends.map(|day| day.at(self.started.0.rem_euclid(86_400)))
    }

    /// The end as agreed at the start: none for pay as you go, a year for what is ended before its time.
    pub fn planned_end(&self) -> Option<Moment> {
        match (self.ending, self.pattern) {
            (_, Pattern::Hourly | Pattern::Metered | Pattern::Demonstration) => None,
            (Ending::Replaced | Ending::Terminated | Ending::Cancelled, _) => Some(self.started.plus(i64::from(YEAR) * 86_400)),
            _ => self.ended(),
        }
    }

    pub fn payer(&self) -> Account {
        if self.pattern == Pattern::Channel { self.offer.seller } else { self.customer.payer() }
    }

    pub fn payer_place(&self, world: &World) -> &'static Place {
        self.payer().place(world.seed)
    }

    pub fn currency(&self, world: &World) -> Currency {
        if self.pattern == Pattern::Channel { Currency::Usd } else { self.payer_place(world).currency }
    }

    pub fn broker(&self, world: &World) -> Broker {
        if self.pattern == Pattern::Channel { Broker::Inc } else { self.payer_place(world).broker }
    }

    /// Priced in euros, disbursed in dollars.
    pub fn is_dual(&self, world: &World) -> bool {
        self.pattern.bills_at_start() && self.key.is_multiple_of(3) && self.currency(world) == Currency::Eur
    }

    /// Delivered late: the billing of its first days names an agreement that is not known yet.
    pub fn comes_late(&self) -> bool {
        self.origin == Origin::Drawn && self.key / 8 % 19 == 6
    }

    /// Usage lines of older machine images name no agreement.
    pub fn is_named_by_usage(&self) -> bool {
        self.pattern != Pattern::Hourly || self.key / 8 % 14 != 2
    }

    pub fn overlaps(&self, first: Day, last: Day) -> bool {
        self.start() <= last && self.ends.is_none_or(|ends| ends >= first)
    }

    /// Rows of older agreements, and of annual ones, name the product by its legacy id.
    pub fn product_id(&self) -> Id {
        match self.product.legacy_id() {
            Some(legacy) if self.start() < Day::of(2025, 4, 1) || self.pattern == Pattern::Annual => legacy,
            _ => self.product.id(),
        }
    }

    /// The agreement that takes over when this one ends.
    pub fn successor(&self) -> Option<Agreement> {
        let (ends, ended) = (self.ends?, self.ended()?);
        let origin = match self.origin {
            Origin::Drawn => Origin::Successor,
            Origin::Story => Origin::StorySuccessor,
            _ => return None,
        };
        let next = Agreement {
            key: (self.key & !7) | origin as u64,
            origin,
            started: ended,
            ending: Ending::None,
            preceding: Some((self.key, self.ending)),
            story: None,
            ..*self
        };
        match self.ending {
            Ending::Renewed | Ending::Replaced => Some(Agreement {
                ends: Some(ends.plus(SUCCESSOR_LENGTH)),
                offer: Offer { audience: Audience::Private, agreement: next.key, ..self.offer },
                ..next
            }),
            Ending::Converted => Some(Agreement { pattern: Pattern::Hourly, ends: None, offer: Offer::standing(Audience::Public, self.product), ..next }),
            _ => None,
        }
    }
}

impl World {
    /// Day on which the drawn agreement of a number starts. Never falls as the number rises.
    fn start_of(&self, number: u64) -> Day {
        const EARLY_DAYS: u64 = 45;
        let early = self.agreements / 8;
        let days = (self.last.0 - self.first.0) as u64;
        let after =
            if number < early { number * EARLY_DAYS / early } else { EARLY_DAYS + (number - early) * (days - EARLY_DAYS) / (self.agreements - early).max(1) };
        self.first.plus(after as i32)
    }

    fn first_from(&self, day: Day) -> u64 {
        let (mut low, mut high) = (0, self.agreements);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.start_of(middle) < day { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Number of customers among the first agreements: two of three bring a new one.
    fn customers_before(number: u64) -> u64 {
        number - number / 3
    }

    pub fn drawn(&self, number: u64) -> Agreement {
        let mut draws = Draws::of(self.seed, Topic::Agreement, number);
        let pattern = pattern_of(number);
        let start = self.start_of(number);
        let known = Self::customers_before(number);
        let customer = if number % 3 == 2 { draws.below(known.max(1)) } else { known };
        let (length, ending) = match pattern {
            Pattern::Hourly | Pattern::Metered => match draws.below(16) {
                0..=1 => (Some(40), Ending::Cancelled),
                2..=4 => (Some(100), Ending::Cancelled),
                5..=7 => (Some(220), Ending::Terminated),
                _ => (None, Ending::None),
            },
            Pattern::Contract | Pattern::Overage => match draws.below(10) {
                0 => (Some(21), Ending::Replaced),
                1..=2 => (Some(30), Ending::Renewed),
                3..=4 => (Some(90), Ending::Expired),
                5 => (Some(180), Ending::Renewed),
                6 => (Some(180), Ending::Terminated),
                _ => (Some(365), Ending::Renewed),
            },
            Pattern::Resold | Pattern::Channel | Pattern::Schedule | Pattern::Annual => (Some(365), Ending::Expired),
            Pattern::Trial if draws.below(5) < 2 => (Some(30), Ending::Converted),
            Pattern::Trial => (Some(30), Ending::Expired),
            Pattern::Demonstration => (None, Ending::None),
        };
        let product = self.product_for(pattern, draws.next());
        let key = number << 3 | Origin::Drawn as u64;
        let audience = match pattern {
            Pattern::Demonstration => Audience::FieldDemonstration,
            Pattern::Trial => Audience::FreeTrial,
            Pattern::Channel => Audience::Channel,
            Pattern::Resold | Pattern::Schedule => Audience::Private,
            Pattern::Contract if draws.one_in(3) => Audience::Private,
            Pattern::Contract if draws.one_in(4) => Audience::EnterpriseContract,
            Pattern::Hourly if draws.one_in(9) => Audience::Country,
            Pattern::Hourly if draws.one_in(9) => Audience::Segment,
            _ => Audience::Public,
        };
        let seller = if pattern == Pattern::Channel { Account::reseller(draws.next()) } else { SELLER };
        Agreement {
            key,
            origin: Origin::Drawn,
            pattern,
            started: start.at(draws.between(0, 86_399)),
            ends: length.map(|days| start.plus(days)),
            ending,
            customer: Account::customer(customer),
            product,
            offer: Offer { audience, product, agreement: key, seller },
            preceding: None,
            story: None,
        }
    }

    fn product_for(&self, pattern: Pattern, draw: u64) -> Product {
        let groups = self.products / 4;
        let group = draw % groups * 4;
        Product(match pattern {
            Pattern::Hourly | Pattern::Annual | Pattern::Demonstration | Pattern::Trial => group + (draw >> 32 & 1) * 2,
            Pattern::Resold => group + 3,
            _ => group + 1,
        })
    }

    pub fn scripted(&self, number: usize) -> Agreement {
        let story = &STORIES[number];
        let key = (number as u64) << 3 | Origin::Story as u64;
        let seller = if story.pattern == Pattern::Channel { Account::reseller(0) } else { SELLER };
        let started = story.start.at(36_000 + number as i64 * 613);
        Agreement {
            key,
            origin: Origin::Story,
            pattern: story.pattern,
            started,
            ends: story.end,
            ending: story.ending,
            customer: Account::scripted(story.customer),
            product: story.product,
            offer: Offer { audience: story.audience, product: story.product, agreement: key, seller },
            preceding: None,
            story: Some(story),
        }
    }

    fn all_scripted(&self) -> impl Iterator<Item = Agreement> + '_ {
        (0..STORIES.len()).map(|number| self.scripted(number))
    }

    fn drawn_from(&self, first: Day, last: Day) -> impl Iterator<Item = Agreement> + '_ {
        (self.first_from(first)..self.first_from(last.plus(1))).map(|number| self.drawn(number))
    }

    /// Agreements that start on a day, except those that follow another one.
    pub fn fresh_on(&self, day: Day) -> impl Iterator<Item = Agreement> + '_ {
        self.drawn_from(day, day).chain(self.all_scripted().filter(move |agreement| agreement.start() == day))
    }

    /// Agreements whose last day it is.
    pub fn ending_on(&self, day: Day) -> impl Iterator<Item = Agreement> + '_ {
        let drawn = LENGTHS.into_iter().flat_map(move |length| {
            let start = day.plus(-length);
            self.drawn_from(start, start).filter(move |agreement| agreement.ends == Some(day))
        });
        drawn.chain(self.all_scripted().filter(move |agreement| agreement.ends == Some(day)))
    }

    /// Agreements that start on a day.
    pub fn starting_on(&self, day: Day) -> impl Iterator<Item = Agreement> + '_ {
        self.fresh_on(day).chain(self.ending_on(day).filter_map(|agreement| agreement.successor()))
    }

    /// Agreements of the wanted patterns that run on some day of a span.
    pub fn running(&self, first: Day, last: Day, wanted: fn(Pattern) -> bool) -> impl Iterator<Item = Agreement> + '_ {
        // A trial may be followed by an agreement of another pattern.
        let may_be_wanted = move |number: &u64| {
            let pattern = pattern_of(*number);
            wanted(pattern) || pattern == Pattern::Trial
        };
        let drawn = (0..self.first_from(last.plus(1))).filter(may_be_wanted).map(|number| self.drawn(number));
        drawn
            .chain(self.all_scripted())
            .flat_map(|agreement| [Some(agreement), agreement.successor()])
            .flatten()
            .filter(move |agreement| wanted(agreement.pattern) && agreement.overlaps(first, last))
    }

    /// Customers whose first agreement starts on a day.
    pub fn new_customers_on(&self, day: Day) -> impl Iterator<Item = Account> + '_ {
        let drawn = (self.first_from(day)..self.first_from(day.plus(1)))
            .filter(|number| number % 3 != 2)
            .map(|number| Account::customer(Self::customers_before(number)));
        let scripted = STORIES
            .iter()
            .enumerate()
            .filter(move |(at, story)| is_first_met(story.customer, day) && !STORIES[..*at].iter().any(|other| other.customer == story.customer));
        drawn.chain(scripted.map(|(_, story)| Account::scripted(story.customer)))
    }
}
