# Reads the Delta table and the mirror under a store with other clients and checks that they agree.
import sys
from datetime import date, datetime, timezone
from decimal import Decimal, getcontext

import deltalake
import duckdb
import polars
import pyarrow
import pyarrow.compute
import pyarrow.dataset

getcontext().prec = 60
store = sys.argv[1]
path = f"{store}/lake/aws_charge"

delta = deltalake.DeltaTable(path)
table = delta.to_pyarrow_table()
schema = {field.name: field.type for field in table.schema}
assert schema["amount"] == pyarrow.decimal128(28, 10), schema
assert schema["charged_at"] == pyarrow.timestamp("us", "UTC"), schema
assert schema["period_month"] == pyarrow.date32(), schema
rows = table.to_pylist()
assert len(rows) == 14, len(rows)
total = sum(row["amount"] for row in rows)
print(total)

lazy = polars.scan_delta(path)
assert lazy.select(polars.col("amount").sum()).collect().item() == total
assert lazy.collect().height == 14

# Filters that a reader may answer from the file's statistics alone.
long = Decimal("123456789012345678.9012345683")
stamp = datetime(2026, 2, 1, 3, 4, 5, 123456, tzinfo=timezone.utc)
field = pyarrow.dataset.field
dataset = delta.to_pyarrow_dataset()
assert dataset.to_table(filter=field("amount") == pyarrow.scalar(long, pyarrow.decimal128(28, 10))).column("amount").to_pylist() == [long]
assert dataset.to_table(filter=field("charged_at") == pyarrow.scalar(stamp, pyarrow.timestamp("us", "UTC"))).num_rows == 12
assert dataset.to_table(filter=field("period_month") == date(2026, 3, 1)).num_rows == 2
assert lazy.filter(polars.col("amount") == polars.lit(long, polars.Decimal(28, 10))).collect()["amount"].to_list() == [long]
assert lazy.filter(polars.col("charged_at") == polars.lit(stamp)).collect().height == 12
assert lazy.filter(polars.col("period_month") == date(2026, 3, 1)).select(polars.col("amount").sum()).collect().item() == Decimal("-0.0000000009")

# Time travel, and what the log says about itself.
assert len(deltalake.DeltaTable(path, version=0).to_pyarrow_table()) == 3
assert delta.version() == 11
assert delta.transaction_version("takings") == 12
assert delta.history(1)[0]["takings.run_key"] == "k1"
assert delta.metadata().configuration["delta.deletedFileRetentionDuration"] == "interval 35 days"
assert delta.vacuum(dry_run=True) == []

# The mirror.
glob = f"{store}/bi/aws_charge/**/*.parquet"
expected = 2 * (Decimal("123456789012345678.9012345678") - Decimal("0.0000000003"))
duck = duckdb.sql(f"select sum(amount), count(distinct period_month), typeof(any_value(period_month)) from read_parquet('{glob}', hive_partitioning = true)").fetchall()[0]
assert duck == (expected, 2, "DATE"), duck
mirror = polars.scan_parquet(f"{store}/bi/aws_charge", hive_partitioning=True, try_parse_hive_dates=True)
assert mirror.select(polars.col("amount").sum()).collect().item() == expected
partitioning = pyarrow.dataset.partitioning(pyarrow.schema([("period_month", pyarrow.date32())]), flavor="hive")
arrow = pyarrow.dataset.dataset(f"{store}/bi/aws_charge", partitioning=partitioning).to_table()
assert sum(value for value in arrow.column("amount").to_pylist()) == expected
assert set(arrow.column("period_month").to_pylist()) == {date(2026, 2, 1), date(2026, 3, 1)}
