//! How cost grows: a first run from nothing, which makes the reports of all lines, and the night of one day more, which makes those that the day
//! changes; over more lines, files, months, days of history, and nights that ran before. Takings alone: what is asked is whether its own cost
//! follows what changed.

use takings_sample::{WideOptions, append_wide_day, write_wide};

use crate::bench::document::{Document, median};
use crate::bench::engines::{Bench, Cost, DayAfter};
use crate::bench::{DAYS, FILES};

/// So often the night after is run, from the same state.
pub const NIGHTS: usize = 5;

/// What one place on an axis is called, and what it cost.
pub struct Point {
    pub label: String,
    pub from_nothing: Cost,
    pub night_after: Cost,
}

/// One made-up history.
#[derive(Clone, Copy)]
struct Place {
    rows: u64,
    files: u64,
    days: u64,
    /// Lines that the seller's customers and products are those of.
    seller_of: u64,
    /// Nights without news between the first run and the day after.
    nights: u32,
}

/// All axes, from so many lines on.
pub fn measure(rows: u64, bench: &Bench, document: &mut Document) -> Result<(), String> {
    let usual = Place { rows, files: FILES, days: DAYS, seller_of: rows, nights: 0 };
    let a_day = rows.div_ceil(DAYS);
    // A file a week, the same customers and products, and a day after that is the eighth of its month: what a night touches is of the same size
    // each time.
    let history = |days: u64| Place { rows: 10 * a_day * days, files: days.div_ceil(7), days, seller_of: rows, nights: 0 };
    let axes: [(&str, Vec<(String, Place)>); 5] = [
        ("lines", [1, 3, 10].map(|times| (format!("{} lines", rows * times), Place { rows: rows * times, seller_of: rows * times, ..usual })).to_vec()),
        ("files", [1, 10].map(|times| (format!("{} files", FILES * times), Place { files: FILES * times, ..usual })).to_vec()),
        ("months", [1, 10].map(|times| (format!("{} months", DAYS.div_ceil(31) * times), Place { days: DAYS * times, ..usual })).to_vec()),
        ("days of history", [7, 38, 373].map(|days| (format!("{days} days"), history(days))).to_vec()),
        ("nights before", [0, 10, 100].map(|nights| (format!("{nights} nights"), Place { nights, ..history(38) })).to_vec()),
    ];
    document.growths(rows, a_day);
    for (axis, places) in axes {
        let mut points = Vec::new();
        for (label, place) in places {
            let point = at(place, bench, label)?;
            println!("{axis}, {}: from nothing {}; the night after {}", point.label, point.from_nothing, point.night_after);
            points.push(point);
        }
        document.growth(axis, &points);
    }
    Ok(())
}

fn at(place: Place, bench: &Bench, label: String) -> Result<Point, String> {
    bench.clear()?;
    let options = WideOptions { out: bench.feeds(), seed: 1, rows: place.rows, files: place.files, days: place.days, seller_of: place.seller_of };
    write_wide(&options).map_err(|error| error.to_string())?;
    let from_nothing = bench.end_to_end("takings")?;
    for _ in 0..place.nights {
        bench.night()?;
    }
    append_wide_day(&options).map_err(|error| error.to_string())?;
    let nights = (0..NIGHTS).map(|_| bench.day_after("takings", &DayAfter::of(&options))).collect::<Result<Vec<_>, _>>()?;
    let night_after = median(&nights).ok_or("no night was measured")?;
    Ok(Point { label, from_nothing, night_after })
}
