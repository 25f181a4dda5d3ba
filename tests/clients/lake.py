# Reads every Delta table and every mirror of a store with other clients and holds them against the expected counts and sums.
import json
import sys
from decimal import Decimal, getcontext

import deltalake
import duckdb
import polars
import pyarrow
import pyarrow.compute
import pyarrow.dataset

getcontext().prec = 60
store, expected = sys.argv[1].rstrip("/"), json.loads(sys.argv[2])


def total(values):
    return sum((value for value in values if value is not None), Decimal(0))


def hold(who, table, column, count, found, wanted):
    rows, text = wanted
    assert count == rows, f"{who}, {table}.{column}: {count} values, {rows} expected"
    if column:
        assert total([found]) == Decimal(text or 0), f"{who}, {table}.{column}: {found}, {text} expected"


def hold_arrow(who, name, table, wanted):
    for column, expectation in wanted.items():
        if column:
            # Summed in Python: exact, whatever the sum's type is.
            values = [value for value in table.column(column).to_pylist() if value is not None]
            hold(who, name, column, len(values), total(values), expectation)
        else:
            hold(who, name, column, table.num_rows, None, expectation)


def hold_polars(who, name, frame, wanted):
    for column, expectation in wanted.items():
        if column:
            values = frame.select(column).collect()[column].drop_nulls().to_list()
            hold(who, name, column, len(values), total(values), expectation)
        else:
            hold(who, name, column, frame.select(polars.len()).collect().item(), None, expectation)


for name, wanted in expected["lake"].items():
    path = f"{store}/lake/{name}"
    delta = deltalake.DeltaTable(path)
    hold_arrow("deltalake", name, delta.to_pyarrow_table(), wanted)
    hold_polars("polars.scan_delta", name, polars.scan_delta(path), wanted)
    assert delta.vacuum(dry_run=True) == [], name

for name, wanted in expected["bi"].items():
    path = f"{store}/bi/{name}"
    sums = ", ".join(f'count("{column}"), sum("{column}")' for column in wanted if column)
    source = f"read_parquet('{path}/**/*.parquet', hive_partitioning = true)"
    row = duckdb.sql(f"select count(*){', ' + sums if sums else ''} from {source}").fetchall()[0]
    hold("duckdb", name, "", row[0], None, wanted[""])
    for at, column in enumerate(column for column in wanted if column):
        hold("duckdb", name, column, row[1 + 2 * at], row[2 + 2 * at], wanted[column])
    hold_polars("polars", name, polars.scan_parquet(path, hive_partitioning=True, try_parse_hive_dates=True), wanted)
    partitioning = pyarrow.dataset.partitioning(pyarrow.schema([("period_month", pyarrow.date32())]), flavor="hive")
    hold_arrow("pyarrow", name, pyarrow.dataset.dataset(path, partitioning=partitioning).to_table(), wanted)

print(f"{len(expected['lake'])} tables, {len(expected['bi'])} mirrors")
