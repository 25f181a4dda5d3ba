//! A channel file's SQL over decoded rows: exact results, rows that fail alone, named exclusions, equations within a tolerance.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use object_store::memory::InMemory;
use takings_definitions::{Channel, Export};
use takings_engine::{Calculator, Engine};

fn export(keys: &str) -> Export {
    let text = format!(
        "version = 1\nchannel = \"shop\"\ntitle = \"Shop\"\n[[exports]]\nname = \"sale\"\ntable = \"shop_sale\"\npath = 'x'\nmode = \"append\"\n{keys}"
    );
    Channel::parse(Path::new("config/channels/shop.toml"), &text).unwrap().exports.remove(0)
}

fn decimals(values: &[Option<i128>]) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(38, 18).unwrap())
}

const ONE: i128 = 1_000_000_000_000_000_000;

/// kind, amount, share, line; the scratch column `_factor`.
fn rows() -> (RecordBatch, RecordBatch) {
    let schema = Schema::new(vec![
        Field::new("kind", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(38, 18), true),
        Field::new("share", DataType::Decimal128(38, 18), true),
        Field::new("_line", DataType::Int64, false),
    ]);
    let kinds: ArrayRef = Arc::new(StringArray::from(vec![Some("Sale"), Some("Refund"), None]));
    let lines: ArrayRef = Arc::new(Int64Array::from(vec![2, 3, 4]));
    let columns = vec![kinds, decimals(&[Some(10 * ONE), Some(4 * ONE), Some(ONE / 4)]), decimals(&[Some(7 * ONE), Some(4 * ONE), None]), lines];
    let scratch = Schema::new(vec![Field::new("_factor", DataType::Int64, true)]);
    (
        RecordBatch::try_new(Arc::new(schema), columns).unwrap(),
        RecordBatch::try_new(Arc::new(scratch), vec![Arc::new(Int64Array::from(vec![1, 0, 3]))]).unwrap(),
    )
}

fn calculator(keys: &str) -> Result<Calculator, String> {
    let engine = Engine::new(Arc::new(InMemory::new()), 64 << 20, 1, &std::env::temp_dir()).unwrap();
    let (rows, scratch) = rows();
    let made = engine.calculator("shop", &export(keys), &rows.schema(), &scratch.schema()).map_err(|error| error.to_string())?;
    Ok(made.expect("it has SQL"))
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let array = batch.column_by_name(column).unwrap();
    (0..batch.num_rows()).map(|row| arrow::util::display::array_value_to_string(array, row).unwrap()).collect()
}

#[test]
fn steps_see_what_earlier_ones_set_and_only_rows_that_fail_are_named() {
    let keys = "[exports.columns._factor]\ntype = \"int64\"\nheader = [\"f\"]\n\
                [[exports.calculate]]\ncolumn = \"amount\"\nwhen = \"kind = 'Refund'\"\nvalue = \"-amount\"\n\
                [[exports.calculate]]\ncolumn = \"share\"\nvalue = \"amount * 2\"\n\
                [[exports.calculate]]\ncolumn = \"kind\"\nvalue = \"cast(12 / _factor as varchar)\"\n";
    let (rows, scratch) = rows();
    let done = calculator(keys).unwrap().run(&rows, &scratch).unwrap();
    assert_eq!(texts(&done.rows, "amount"), ["10.000000000000000000", "-4.000000000000000000", "0.250000000000000000"]);
    assert_eq!(texts(&done.rows, "share"), ["20.000000000000000000", "-8.000000000000000000", "0.500000000000000000"]);
    assert_eq!(texts(&done.rows, "kind"), ["12", "", "4"]);
    assert_eq!(done.failed.iter().map(|failed| (failed.row, failed.column.as_str())).collect::<Vec<_>>(), [(1, "kind")]);
    assert!(done.failed[0].reason.contains("ivide"), "{}", done.failed[0].reason);
}

#[test]
fn a_result_that_would_lose_a_digit_is_refused() {
    let keys = "[[exports.calculate]]\ncolumn = \"_line\"\nvalue = \"amount\"\n";
    let (rows, scratch) = rows();
    let done = calculator(keys).unwrap().run(&rows, &scratch).unwrap();
    assert_eq!(done.failed.len(), 1);
    assert!(done.failed[0].row == 2 && done.failed[0].reason.contains("0.25"), "{:?}", done.failed);
    let float = calculator("[[exports.calculate]]\ncolumn = \"amount\"\nvalue = \"cast(amount as double)\"\n").unwrap_err();
    assert!(float.contains("Float64") && float.contains("amount"), "{float}");
    assert!(calculator("[[exports.calculate]]\ncolumn = \"amount\"\nvalue = \"amont\"\n").unwrap_err().contains("amont"));
}

#[test]
fn rules_leave_rows_out_and_equations_hold_within_their_tolerance() {
    let check = |tolerance: &str| {
        format!(
            "[[exports.exclude]]\nname = \"refunds\"\nwhere = \"kind = 'Refund'\"\n\
             [[exports.checks]]\nname = \"net\"\nkind = \"equation\"\nsql = \"amount = share + coalesce(null, 3.01)\"\n{tolerance}"
        )
    };
    let (rows, scratch) = rows();
    let exact = calculator(&check("")).unwrap();
    let done = exact.run(&rows, &scratch).unwrap();
    assert_eq!(done.excluded, [None, Some(0), None]);
    assert_eq!(exact.rule(0), "refunds");
    assert_eq!(exact.equations[0].broken(&done.rows).unwrap(), [(0, None), (1, None)]);
    let near = calculator(&check("tolerance = \"0.01\"\n")).unwrap();
    assert_eq!(near.equations[0].broken(&near.run(&rows, &scratch).unwrap().rows).unwrap(), [(1, None)]);
}
