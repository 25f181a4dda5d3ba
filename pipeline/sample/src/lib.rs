//! Made-up AWS Marketplace feeds of a seller that never was: all thirteen feeds in their documented layout and the four
//! supplementary exports, with what real feeds do: corrections, revisions, deletions, late and repeated rows, refunds, failures.
//!
//! The same seed and number of events give the same bytes on any machine. Nothing is kept: every row follows from the seed
//! and its key by arithmetic, so five million events take the memory of five thousand. Knows no engine and no report.

mod agreement;
mod agreement_feed;
mod amount;
mod billing;
mod catalogue;
mod catalogue_feed;
mod chance;
mod disbursement;
mod documented;
mod error;
mod event;
mod feeds;
mod fill;
mod identity;
mod moment;
mod parties;
mod party_feed;
mod places;
mod sale;
mod stories;
mod tax;
mod tax_feed;
mod untied;
mod usage;
mod visits;
mod wide;
mod world;
mod writer;

use std::path::{Path, PathBuf};

use billing::Billing;
pub use error::Error;
use fill::Fill;
pub use wide::{WIDE_DISBURSEMENT_HEADER, WIDE_HEADER, WideOptions, WideSummary, append_wide_day, wide_day, write_wide};
use world::World;
use writer::Feeds;

/// What to make up.
#[derive(Clone, Debug)]
pub struct Options {
    /// A new or an empty folder.
    pub out: PathBuf,
    pub seed: u64,
    /// Billing events wanted, each counted once however often it is delivered. The smallest set has about a thousand.
    pub events: u64,
    /// The seller's own account, 12 digits.
    pub seller_account: String,
}

impl Options {
    pub fn new(out: impl Into<PathBuf>, seed: u64, events: u64) -> Self {
        Self { out: out.into(), seed, events, seller_account: "012345678901".to_owned() }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Billing events, each counted once.
    pub events: u64,
    pub feeds: Vec<FeedSummary>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSummary {
    /// Folder of the feed, like `BillingEventFeed_V1`.
    pub feed: &'static str,
    pub files: u64,
    /// Rows without headers.
    pub rows: u64,
    pub bytes: u64,
}

/// Writes the feeds. `progress` hears the number of billing events so far, once for each day of the span.
pub fn write(options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Summary, Error> {
    if options.seller_account.len() != 12 || !options.seller_account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::SellerAccount { text: options.seller_account.clone() });
    }
    claim(&options.out)?;
    let world = World::new(options)?;
    let mut feeds = Feeds::create(&options.out, world.seed, world.rows_a_second());
    let mut billing = Billing::default();
    let mut fill = Fill::default();
    for day in world.first.until(world.last) {
        feeds.begin(day.plus(1))?;
        party_feed::deliver(&world, &mut feeds, day)?;
        catalogue_feed::deliver(&world, &mut feeds, day)?;
        agreement_feed::deliver(&world, &mut feeds, day)?;
        usage::deliver(&world, &mut feeds, day)?;
        let before = billing.events;
        billing.deliver(&world, &mut feeds, day)?;
        disbursement::deliver(&mut billing, &world, &mut feeds, day)?;
        fill.deliver(&mut billing, &world, &mut feeds, day, before)?;
        visits::deliver(&world, &mut feeds, day)?;
        progress(billing.events);
    }
    Ok(Summary { events: billing.events, ..feeds.finish()? })
}

/// Makes sure that nothing else is in the folder.
fn claim(out: &Path) -> Result<(), Error> {
    if out.is_file() {
        return Err(Error::NotAFolder { path: out.to_owned() });
    }
    std::fs::create_dir_all(out).map_err(Error::io(out))?;
    let mut entries = std::fs::read_dir(out).map_err(Error::io(out))?;
    if entries.next().is_some() {
        return Err(Error::NotEmpty { path: out.to_owned() });
    }
    Ok(())
}
