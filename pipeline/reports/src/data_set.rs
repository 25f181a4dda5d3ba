//! `<data set>_YYYY-MM-DD.meta.json`: the members that the Commerce Analytics Service wrote, as far as they apply without its
//! service: no role, no topic, and places below the store in place of bucket and key.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};
use takings_definitions::Interval;

use crate::manifest::pretty;
use crate::{Layout, ReportRun, WrittenSection};

/// The metadata file of a section's data set. It is written beside a data set that was delivered, so not for an empty section.
pub fn meta_json(run: &ReportRun, section: &WrittenSection, layout: &Layout, revision: u32) -> String {
    pretty(&Meta {
        data_set_request_id: request_id(run.run_key, &run.instance.name, &section.data_set),
        data_set_coverage_range: CoverageRange::of(section.covers),
        data_set_request_parameters: RequestParameters {
            seller_account_id: &run.instance.seller_account,
            data_set_type: &section.data_set,
            data_set_publication_date: milliseconds(run.tick.date.and_time(NaiveTime::MIN).and_utc()),
        },
        data_set_location: Location { key: layout.data_set_path(&section.data_set, revision) },
        data_set_meta_data_location: Location { key: layout.meta_path(&section.data_set, revision) },
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    data_set_request_id: String,
    data_set_coverage_range: CoverageRange,
    data_set_request_parameters: RequestParameters<'a>,
    data_set_location: Location,
    data_set_meta_data_location: Location,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoverageRange {
    start_date_time: String,
    end_date_time: String,
}

impl CoverageRange {
    /// The service wrote the last second as inside: `23:59:59.000Z`.
    fn of(covers: Interval) -> Self {
        Self { start_date_time: milliseconds(covers.start), end_date_time: milliseconds(covers.end - TimeDelta::seconds(1)) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestParameters<'a> {
    seller_account_id: &'a str,
    data_set_type: &'a str,
    data_set_publication_date: String,
}

#[derive(Serialize)]
struct Location {
    key: String,
}

fn milliseconds(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// In the form of a UUID (version 8: made of our own bits), the same for the same run key, instance and data set.
fn request_id(run_key: &str, instance: &str, data_set: &str) -> String {
    let mut hash = Sha256::new();
    for part in [run_key, instance, data_set] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
