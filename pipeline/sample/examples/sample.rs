//! Writes made-up feeds: `sample OUT SEED EVENTS`.

use std::process::ExitCode;

use takings_sample::{Options, write};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, seed, events] = arguments.as_slice() else {
        eprintln!("usage: sample OUT SEED EVENTS");
        return ExitCode::from(2);
    };
    let (Ok(seed), Ok(events)) = (seed.parse(), events.parse()) else {
        eprintln!("sample: SEED and EVENTS are whole numbers, not `{seed}` and `{events}`");
        return ExitCode::from(2);
    };
    match write(&Options::new(out, seed, events), &mut |_| ()) {
        Ok(summary) => {
            println!("{} billing events", summary.events);
            for feed in summary.feeds {
                println!("{:24} {:>4} files {:>10} rows {:>12} bytes", feed.feed, feed.files, feed.rows, feed.bytes);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sample: {error}");
            ExitCode::FAILURE
        }
    }
}
