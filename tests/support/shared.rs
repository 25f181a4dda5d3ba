//! Finished projects that tests read and never change, each made once.

use std::sync::{Arc, OnceLock};

use super::place::{Place, Ran};

/// A place after the three jobs of the sample's ticks, and what they printed.
pub struct Finished {
    pub place: Place,
    pub nightly: Ran,
    pub monthly: Ran,
    pub weekly: Ran,
}

/// The shipped sample with the shipped settings.
pub fn demo() -> Arc<Finished> {
    static DEMO: OnceLock<Arc<Finished>> = OnceLock::new();
    Arc::clone(DEMO.get_or_init(|| finished(Place::new())))
}

/// The same with enhanced data sharing, so that every report is made.
pub fn sharing() -> Arc<Finished> {
    static SHARING: OnceLock<Arc<Finished>> = OnceLock::new();
    Arc::clone(SHARING.get_or_init(|| finished(Place::new().sharing())))
}

fn finished(place: Place) -> Arc<Finished> {
    let nightly = place.run("nightly", "2026-03-15").ok();
    let monthly = place.run("monthly", "2026-03-15").ok();
    let weekly = place.run("weekly", "2026-03-16").ok();
    Arc::new(Finished { place, nightly, monthly, weekly })
}
