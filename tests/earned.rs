//! What counts as earned where a channel tells the same money in several files, and different money in several.

use std::fs;

use crate::support::place::repository;
use crate::support::{Feeds, Place};

/// A place with one instance of `channel` over these of its fixtures, without the AWS feeds.
fn place(none: &Feeds, exports: &Feeds, channel: &str, names: &[&str]) -> Place {
    for name in names {
        exports.write(name, fs::read(repository().join("tests/fixtures/channels").join(channel).join(name)).unwrap());
    }
    let mut place = Place::on(none.root());
    let instance = format!("TAKINGS_INSTANCES__{}__MAIN", channel.to_uppercase());
    place.set(&format!("{instance}__URL"), &format!("file://{}", exports.root().display()));
    place.set(&format!("{instance}__SELLER_ACCOUNT"), "1");
    place
}

/// Rows without the header, numbers without zeros behind.
fn rows(place: &Place, query: &str) -> Vec<Vec<String>> {
    let plain = |text: &String| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.clone() };
    place.rows(query)[1..].iter().map(|row| row.iter().map(plain).collect()).collect()
}

#[test]
fn reports_of_one_youtube_revenue_count_once() {
    let (none, exports) = (Feeds::empty(), Feeds::empty());
    let names = [
        "YouTube_Tidefilms_M_202602_video_raw_v1-1.csv",
        "YouTube_Tidefilms_M_20260201_asset_raw_v1-1.csv",
        "YouTube_Tidefilms_M_20260201_20260228_red_rawdata_video_v1-1.csv.gz",
        "YouTube_Tidefilms_M_20260301_20260331_red_rawdata_asset_v1-1.csv",
    ];
    let place = place(&none, &exports, "youtube", &names);
    place.run("nightly", "2026-03-15").ok();
    // R69: what the assets earned by ads is what the videos earned; Premium of March has its assets alone.
    let wanted = [
        ["2026-02-28", "Ads", "vid00000001", "1.618915"],
        ["2026-02-28", "Ads", "vid00000002", "-0.0263"],
        ["2026-02-28", "Premium", "vid00000001", "0.3"],
        ["2026-03-31", "Premium", "A000000000000001", "0.300031"],
    ];
    let earned = rows(
        &place,
        "select period_end, availability_type, title_id, sum(amount) as amount from fct_earning group by period_end, availability_type, title_id order by period_end, availability_type, title_id",
    );
    assert_eq!(earned, wanted.map(|row| row.map(String::from).to_vec()));
    assert_eq!(rows(&place, "select grain, count(*) as n from youtube_ad_revenue group by grain order by grain"), [["asset", "6"], ["video", "5"]]);
}

#[test]
fn sections_of_the_billed_revenue_add_up() {
    let (none, exports) = (Feeds::empty(), Feeds::empty());
    let names = ["monthly_revenue_billing_and_revenue_data_2023-05-15.csv", "monthly_revenue_annual_subscriptions_2023-05-15.csv"];
    let place = place(&none, &exports, "aws_marketplace_legacy", &names);
    place.run("nightly", "2023-05-16").ok();
    // R70
    let earned = rows(&place, "select kind, period_start, amount, currency from fct_earning order by kind");
    assert_eq!(earned, [["billed revenue", "2023-04-01", "80.4", "EUR"], ["billed subscriptions", "2023-04-01", "920.5", "EUR"]]);
}
