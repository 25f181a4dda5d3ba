"""Stage (b) in DuckDB: typed Parquet → the sections of the report as CSV, from the same SQL. Usage: reports_duckdb.py PARQUET SQL OUT"""

import sys
from pathlib import Path

import duckdb

parquet, sql, out = sys.argv[1:4]
ORDER = {
    "monthly_title": "month, product_id, country, currency",
    "daily_tag": "usage_date, ref_tag, currency",
    "customer_rank": "country, currency, place, customer_id",
}
Path(out).mkdir(parents=True, exist_ok=True)
connection = duckdb.connect()
connection.execute(f"CREATE VIEW wide_usage_line AS SELECT * FROM read_parquet('{parquet}/**/*.parquet', hive_partitioning = false)")
for section, order in ORDER.items():
    query = Path(sql, f"{section}.sql").read_text()
    connection.execute(f"COPY (SELECT * FROM ({query}) ORDER BY {order}) TO '{out}/{section}.csv' (HEADER false)")
