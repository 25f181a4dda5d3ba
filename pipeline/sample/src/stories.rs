//! Agreements that are written down rather than drawn: each shows something that every set must have, on the days that the
//! reports of the ticks 2026-03-15 and 2026-03-16 cover. Knows nothing of how a row is written.

use crate::agreement::{Ending, Pattern};
use crate::amount::Amount;
use crate::catalogue::{Audience, Product};
use crate::moment::Day;
use crate::sale::{Adjustment, Settling};

/// One written-down agreement. What is `None` is drawn as for any other.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    pub pattern: Pattern,
    pub start: Day,
    pub end: Option<Day>,
    pub ending: Ending,
    /// Scripted customer; its number decides its place.
    pub customer: u64,
    pub product: Product,
    pub audience: Audience,
    pub sale: Option<StorySale>,
}

/// What becomes of the sales of a story.
#[derive(Clone, Copy, Debug)]
pub struct StorySale {
    /// Amounts of the one or two lines; drawn where `None`.
    pub lines: Option<[Amount; 2]>,
    pub terms: i32,
    pub settling: Settling,
    pub adjustment: Option<(Adjustment, i32)>,
}

const fn day(year: i32, month: u32, day: u32) -> Day {
    Day::of(year, month, day)
}

const fn story(pattern: Pattern, start: Day, customer: u64, product: u64) -> Story {
    Story { pattern, start, end: None, ending: Ending::None, customer, product: Product(product), audience: Audience::Public, sale: None }
}

impl Story {
    const fn until(mut self, end: Day, ending: Ending) -> Self {
        self.end = Some(end);
        self.ending = ending;
        self
    }

    const fn offered(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    const fn sold(mut self, terms: i32, settling: Settling) -> Self {
        self.sale = Some(StorySale { lines: None, terms, settling, adjustment: None });
        self
    }

    /// After `sold`.
    const fn adjusted(mut self, adjustment: Adjustment, lag: i32) -> Self {
        if let Some(sale) = &mut self.sale {
            sale.adjustment = Some((adjustment, lag));
        }
        self
    }

    /// After `sold`.
    const fn of(mut self, first: Amount, second: Amount) -> Self {
        if let Some(sale) = &mut self.sale {
            sale.lines = Some([first, second]);
        }
        self
    }
}

const NEVER: Settling = Settling::NEVER;
const PROMPT: Settling = Settling::in_run(0);

const fn yearly(pattern: Pattern, start: Day, customer: u64, product: u64) -> Story {
    story(pattern, start, customer, product).until(start.plus(364), Ending::Expired)
}

pub const STORIES: &[Story] = &[
    // Usage paid on time: usage, instance hours and the younger ages of every report.
    story(Pattern::Hourly, day(2025, 11, 20), 0, 0).sold(0, PROMPT),
    story(Pattern::Hourly, day(2025, 12, 5), 2, 2).sold(30, PROMPT),
    story(Pattern::Hourly, day(2025, 12, 9), 4, 4).sold(30, PROMPT),
    story(Pattern::Metered, day(2026, 1, 3), 3, 1).sold(0, NEVER),
    // Usage under a field demonstration.
    story(Pattern::Demonstration, day(2026, 1, 15), 5, 6).offered(Audience::FieldDemonstration),
    // Bought, refunded and credited on the day that Fees covers, 2026-03-12.
    yearly(Pattern::Contract, day(2026, 3, 12), 7, 1).sold(30, NEVER),
    yearly(Pattern::Contract, day(2026, 2, 28), 1, 5).sold(30, NEVER).adjusted(Adjustment::PartRefund, 12),
    yearly(Pattern::Contract, day(2026, 2, 15), 9, 1).sold(30, NEVER).adjusted(Adjustment::Credit, 25),
    // Open and past due on 2026-03-12 in every age bucket.
    yearly(Pattern::Contract, day(2026, 2, 24), 10, 1).sold(0, NEVER),
    yearly(Pattern::Contract, day(2026, 1, 22), 3, 5).sold(30, NEVER),
    yearly(Pattern::Contract, day(2025, 12, 22), 13, 1).sold(45, NEVER),
    yearly(Pattern::Contract, day(2025, 11, 22), 16, 5).sold(60, NEVER),
    yearly(Pattern::Contract, day(2025, 10, 2), 14, 1).sold(90, NEVER),
    // Disbursed on 2026-03-12 in every age bucket.
    yearly(Pattern::Contract, day(2026, 2, 16), 17, 5).sold(0, PROMPT),
    yearly(Pattern::Contract, day(2026, 1, 12), 19, 1).sold(30, Settling::in_run(1)),
    yearly(Pattern::Contract, day(2025, 12, 29), 12, 5).sold(60, Settling::in_run(1)),
    yearly(Pattern::Contract, day(2025, 11, 25), 15, 1).sold(90, Settling::in_run(2)),
    yearly(Pattern::Contract, day(2025, 10, 9), 20, 5).sold(90, Settling::in_run(4)),
    // Paid in two parts, the second on 2026-03-12.
    yearly(Pattern::Contract, day(2026, 1, 9), 21, 1).sold(30, Settling { run: Some(0), partly: true }),
    // Paid by the run in pounds that is delivered late.
    yearly(Pattern::Contract, day(2025, 12, 10), 54, 1).sold(30, PROMPT),
    // Resold, and sold by a reseller.
    yearly(Pattern::Resold, day(2026, 2, 10), 11, 3).offered(Audience::Private).sold(30, PROMPT),
    yearly(Pattern::Resold, day(2026, 2, 3), 18, 7).offered(Audience::Private).sold(30, NEVER).adjusted(Adjustment::Refund, 18),
    yearly(Pattern::Channel, day(2026, 2, 11), 8, 1).offered(Audience::Channel).sold(30, PROMPT),
    // Accepted in February with a payment schedule.
    yearly(Pattern::Schedule, day(2026, 2, 5), 22, 5).offered(Audience::Private).sold(30, PROMPT),
    yearly(Pattern::Schedule, day(2026, 2, 19), 6, 1).offered(Audience::Private).sold(45, NEVER),
    // Trials: over and bought, over and not bought, new and running on 2026-03-14.
    story(Pattern::Trial, day(2026, 2, 12), 23, 0).until(day(2026, 3, 14), Ending::Converted).offered(Audience::FreeTrial),
    story(Pattern::Trial, day(2026, 2, 12), 24, 2).until(day(2026, 3, 14), Ending::Expired).offered(Audience::FreeTrial),
    story(Pattern::Trial, day(2026, 3, 14), 25, 0).until(day(2026, 4, 13), Ending::Expired).offered(Audience::FreeTrial),
    story(Pattern::Trial, day(2026, 3, 1), 26, 6).until(day(2026, 3, 31), Ending::Expired).offered(Audience::FreeTrial),
    // Subscribed and cancelled on 2026-03-14.
    story(Pattern::Hourly, day(2026, 3, 14), 27, 2),
    story(Pattern::Hourly, day(2026, 1, 8), 28, 4).until(day(2026, 3, 14), Ending::Cancelled),
    yearly(Pattern::Contract, day(2025, 3, 15), 29, 5).until(day(2026, 3, 14), Ending::Terminated),
    // Amended in February: the agreement is replaced.
    yearly(Pattern::Contract, day(2026, 1, 5), 30, 1).until(day(2026, 2, 9), Ending::Replaced).sold(30, PROMPT),
    // Billed in February, disbursed on 2026-03-12, with sums that end on half a cent of both signs, and just below it.
    yearly(Pattern::Contract, day(2026, 2, 6), 31, 1).sold(30, PROMPT).of(Amount::scaled(100_025, 4), Amount::scaled(100_025, 4)),
    yearly(Pattern::Contract, day(2026, 2, 7), 34, 5)
        .sold(30, PROMPT)
        .of(Amount::scaled(71_249_999_999, 10), Amount::scaled(1, 10))
        .adjusted(Adjustment::Refund, 12),
    yearly(Pattern::Contract, day(2026, 2, 8), 38, 1).sold(30, PROMPT).of(Amount::scaled(10_049_999_999, 10), Amount::scaled(30_000_000_000, 10)),
    // Forgiven in February; only its tax given back in February; credited in February.
    yearly(Pattern::Contract, day(2026, 1, 20), 32, 5).sold(30, NEVER).adjusted(Adjustment::Forgiven, 33),
    yearly(Pattern::Contract, day(2026, 2, 2), 43, 1).sold(30, PROMPT).adjusted(Adjustment::TaxOnlyRefund, 18),
    yearly(Pattern::Contract, day(2026, 1, 16), 36, 5).sold(30, PROMPT).adjusted(Adjustment::Credit, 25),
    // A product named by its legacy id.
    yearly(Pattern::Annual, day(2026, 2, 9), 56, 2).sold(30, PROMPT),
    // Renewed in February.
    yearly(Pattern::Contract, day(2025, 8, 20), 57, 1).until(day(2026, 2, 20), Ending::Renewed).sold(30, PROMPT),
];

/// Whether a scripted customer is first met on a day.
pub fn is_first_met(customer: u64, day: Day) -> bool {
    STORIES.iter().filter(|story| story.customer == customer).map(|story| story.start).min() == Some(day)
}
