"""Stage (a) in Polars: the streaming engine, CSV files → typed Parquet, zstd, by year and month. Usage: load_polars.py FEEDS OUT"""

import sys

import polars

from wide import COLUMNS

feeds, out = sys.argv[1:3]
KINDS = {"DATE": polars.Date, "TIMESTAMP": polars.String, "VARCHAR": polars.String}
DECIMALS = {name: int(kind[:-1].split(",")[1]) for name, kind in COLUMNS.items() if kind.startswith("DECIMAL")}
schema = {name: polars.Decimal(18, DECIMALS[name]) if name in DECIMALS else KINDS[kind] for name, kind in COLUMNS.items()}
lines = polars.scan_csv(f"{feeds}/*.csv", schema=schema, try_parse_dates=False)
lines = lines.with_columns(
    polars.col("reported_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us"),
    polars.col("usage_date").dt.year().alias("year"),
    polars.col("usage_date").dt.month().alias("month"),
)
lines.sink_parquet(
    polars.PartitionBy(out, key=["year", "month"], include_key=False),
    compression="zstd",
    compression_level=1,
    mkdir=True,
    engine="streaming",
)
