//! Records that a named rule leaves out: counted, neither published nor rejected, and never read as money.

use std::sync::Arc;

use takings_decode::{Decoder, Excluded, FileIdentity, Splitter};

use crate::feed::{CHANNEL, HEADER, TABLE, layout};

const RULES: &str = r#"
    [[exports.exclude]]
    name = "test_sales"
    column = "country"
    equals = ["ZZ", "XX"]
    [[exports.exclude]]
    name = "trials"
    column = "trial"
    equals = ["true"]
"#;

#[test]
fn the_first_rule_that_fits_counts_a_record() {
    let layout = Arc::new(layout(&format!("{CHANNEL}{RULES}"), TABLE).unwrap());
    let identity = FileIdentity { instance: "main".into(), file_id: "f1".into(), path: "sales.csv".into() };
    let decoder = Decoder::new(layout, identity, HEADER.as_bytes()).unwrap();
    let day = "2026-03-01,2026-03-01,2026-03-02";
    let rows = format!(
        "1,10.5,USD,1,false,{day},DE\n2,12,3x,USD,1,true,{day},ZZ\n3,not money,USD,1,true,{day},\"XX\"\n4,1,USD,1,true,{day},DE\n5,bad,USD,1,false,{day},DE\n"
    )
    .replace("2,12,3x", "2,oops");
    let mut splitter = Splitter::new(2, 1 << 20);
    let mut chunks = splitter.push(rows.as_bytes());
    chunks.extend(splitter.finish());
    let decoded = decoder.decode(&chunks[0]).unwrap();
    assert_eq!(decoded.excluded, [Excluded { rule: "test_sales".into(), records: 2 }, Excluded { rule: "trials".into(), records: 1 }]);
    assert_eq!((decoded.records, decoded.batch.num_rows(), decoded.rejects.len()), (5, 1, 1));
    assert_eq!(decoded.totals.iter().map(|total| total.sum).collect::<Vec<_>>(), [105_000]);
}

#[test]
fn a_rule_on_an_unknown_column_names_the_nearest() {
    let error = layout(&format!("{CHANNEL}{}", RULES.replace("\"country\"", "\"contry\"")), TABLE).unwrap_err().to_string();
    assert!(error.contains("exclude: `contry` is not a column of shop_sale (nearest: `country`)"), "{error}");
}
