"""Stage (a) in DataFusion as it comes: its own scan of CSV and COPY to Parquet, zstd, by year and month. Usage: load_datafusion.py FEEDS OUT"""

import sys

from datafusion import SessionContext

from wide import COLUMNS

feeds, out = sys.argv[1:3]
context = SessionContext()
# Microseconds, as the other engines write them.
columns = ", ".join(f"{name} {'TIMESTAMP(6)' if kind == 'TIMESTAMP' else kind}" for name, kind in COLUMNS.items())
context.sql(f"CREATE EXTERNAL TABLE lines ({columns}) STORED AS CSV LOCATION '{feeds}/' OPTIONS ('format.has_header' 'true')").collect()
context.sql(f"""
    COPY (SELECT *, cast(extract(year FROM usage_date) AS int) AS year, cast(extract(month FROM usage_date) AS int) AS month FROM lines)
    TO '{out}/' STORED AS PARQUET PARTITIONED BY (year, month) OPTIONS ('format.compression' 'zstd(1)')
""").collect()
