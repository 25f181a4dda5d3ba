//! `sim`: the seeded simulation over as many seeds as are asked for, or one of them again. The seeds are lived through by a test of `takings`.

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask sim --seeds N [--from SEED]";
const TEST: &str = "simulation::histories_end_as_if_nothing_had_gone_wrong";

pub fn sim(arguments: impl Iterator<Item = String>) -> ExitCode {
    let (seeds, from) = match read(arguments) {
        Ok(read) => read,
        Err(why) => {
            eprintln!("error: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // All crates, as the tests build them: with fewer the engine is built again.
    let test = crate::cargo()
        .args(["test", "--release", "--workspace", "--lib", "--", TEST, "--exact", "--nocapture"])
        .env("TAKINGS_SIM_SEEDS", seeds.to_string())
        .env("TAKINGS_SIM_FROM", from.to_string())
        .status();
    match test {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cargo could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<(u64, u64), String> {
    let (mut seeds, mut from) = (None, 1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
        let number = value.parse().map_err(|_| format!("{name} needs a number, not \"{value}\""))?;
        match name.as_str() {
            "--seeds" if number > 0 => seeds = Some(number),
            "--seeds" => return Err("--seeds needs a number above 0".to_owned()),
            "--from" => from = number,
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok((seeds.ok_or("--seeds is missing")?, from))
}

#[cfg(test)]
mod tests {
    use super::read;

    fn check(words: &str) -> Result<(u64, u64), String> {
        read(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_read_or_refused() {
        assert_eq!(check("--seeds 5"), Ok((5, 1)));
        assert_eq!(check("--seeds 1 --from 1234"), Ok((1, 1234)));
        for (words, why) in [
            ("", "--seeds is missing"),
            ("--seeds", "--seeds needs a number"),
            ("--seeds 0", "--seeds needs a number above 0"),
            ("--seeds x", "--seeds needs a number, not \"x\""),
            ("--seeds 1 --to 2", "--to is not known"),
        ] {
            assert_eq!(check(words), Err(why.to_owned()), "{words}");
        }
    }
}
