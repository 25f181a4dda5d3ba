//! `[scheduler]`: how the scheduler looks for work, how long its lease is, where it answers.

use std::net::SocketAddr;
use std::path::Path;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::span::{EXAMPLES, span};
use crate::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerSettings {
    /// How often it looks for what is due.
    pub poll: TimeDelta,
    /// How long a run may be silent before another process may take it over; it beats three times as often.
    pub lease: TimeDelta,
    /// How long after a failure the first retry is; each later one waits four times as long, at most six hours.
    pub retry_after: TimeDelta,
    /// Where `/healthz`, `/readyz` and `/metrics` answer; nowhere when it is not set.
    pub listen: Option<SocketAddr>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawScheduler {
    poll: Option<String>,
    lease: Option<String>,
    retry_after: Option<String>,
    listen: Option<String>,
}

impl RawScheduler {
    pub(crate) fn overlay(&mut self, over: Self) {
        let layers = [(&mut self.poll, over.poll), (&mut self.lease, over.lease), (&mut self.retry_after, over.retry_after), (&mut self.listen, over.listen)];
        for (under, over) in layers {
            if over.is_some() {
                *under = over;
            }
        }
    }

    pub(crate) fn checked(self, path: &Path) -> Result<SchedulerSettings> {
        let length = |key: &str, text: Option<String>, usual: TimeDelta| match text {
            None => Ok(usual),
            Some(text) => span(&text)
                .filter(|span| *span >= TimeDelta::seconds(1))
                .ok_or_else(|| Error::in_file(path, format!("scheduler.{key} = \"{text}\" is not a time span of a second or more")).next(EXAMPLES)),
        };
        let listen = match self.listen.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback()).ok_or_else(|| {
                Error::in_file(path, format!("scheduler.listen = \"{text}\" is not an address of this machine itself"))
                    .next("write \"127.0.0.1:9184\"; it has no password, so others reach it through a proxy only")
            })?),
        };
        Ok(SchedulerSettings {
            poll: length("poll", self.poll, TimeDelta::seconds(30))?,
            lease: length("lease", self.lease, TimeDelta::minutes(5))?,
            retry_after: length("retry_after", self.retry_after, TimeDelta::minutes(5))?,
            listen,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_on_this_machine_alone() {
        let checked = |listen: &str| RawScheduler { listen: Some(listen.into()), ..RawScheduler::default() }.checked(Path::new("config/takings.toml"));
        assert_eq!(checked("127.0.0.1:9184").unwrap().listen.map(|address| address.port()), Some(9184));
        assert_eq!(checked("").unwrap().listen, None);
        for wrong in ["0.0.0.0:9184", "9184", "localhost:9184", "192.168.1.4:80"] {
            assert!(checked(wrong).unwrap_err().to_string().contains("is not an address of this machine"), "{wrong}");
        }
    }

    #[test]
    fn spans_are_a_second_or_more() {
        let checked = |poll: &str| RawScheduler { poll: Some(poll.into()), ..RawScheduler::default() }.checked(Path::new("config/takings.toml"));
        assert_eq!(checked("2s").unwrap().poll, TimeDelta::seconds(2));
        assert_eq!(
            checked("0s").unwrap_err().to_string(),
            "config/takings.toml: scheduler.poll = \"0s\" is not a time span of a second or more; for example \"1 day\", \"6 hours\", \"90 minutes\" or \"30 seconds\""
        );
    }
}
