"""Stage (b) in DuckDB: typed Parquet → the reports as CSV, from the same SQL. Usage: reports_duckdb.py PARQUET FEEDS PROJECT OUT [DAY]

PARQUET holds the usage lines; the disbursements are brought to Parquet beside it, unless they stand there from this load. With a DAY the
reports of the night after it are made, else those of all lines.
"""

import os
import sys
import tomllib
from pathlib import Path

import duckdb

parquet, feeds, project, out = map(Path, sys.argv[1:5])
day = sys.argv[5] if len(sys.argv) > 5 else None
job = "nightly" if day else "bench"
disbursements = Path(f"{parquet}_disbursement.parquet")
COLUMNS = {
    "billed_on": "DATE",
    "disbursed_on": "DATE",
    "transaction_id": "VARCHAR",
    "currency": "VARCHAR",
    "status": "VARCHAR",
    "amount": "DECIMAL(18,4)",
}


def sql(path: str) -> str:
    text = Path(project, "sql", path).read_text()
    return text.replace("$interval_start", f"TIMESTAMP '{day}'")


def load_disbursements():
    if disbursements.exists() and os.path.getmtime(disbursements) > os.path.getmtime(parquet):
        return
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    connection.execute(f"""
        COPY (SELECT * FROM read_csv('{feeds}/disbursement/*.csv', columns = {{{types}}}, auto_detect = false, header = true, delim = ','))
        TO '{disbursements}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
    """)


connection = duckdb.connect()
load_disbursements()
# The lake has the month of a line as a column.
MONTH = "CAST(date_trunc('month', {}) AS DATE) AS period_month"
connection.execute(f"""
    CREATE VIEW wide_usage_line AS SELECT *, {MONTH.format('usage_date')} FROM read_parquet('{parquet}/**/*.parquet', hive_partitioning = false);
    CREATE VIEW wide_disbursement AS SELECT *, {MONTH.format('billed_on')} FROM read_parquet('{disbursements}');
""")
# All reports of all lines read it: made once it costs less. A night needs a month or two of it.
kind = "VIEW" if day else "TABLE"
connection.execute(f"CREATE {kind} int_daily_transaction AS {sql('intermediate/int_daily_transaction.sql')}")
out.mkdir(parents=True, exist_ok=True)
for stale in out.glob("*.csv"):
    stale.unlink()
for path in sorted(Path(project, "config/reports").glob("*.toml")):
    report = tomllib.loads(path.read_text())
    if report["job"] != job:
        continue
    for section in report["sections"]:
        columns = ", ".join(column["column"] for column in section["columns"])
        query = sql(f"reports/{report['report']}/{section['name']}.sql")
        name = f"{report['report']}_{section['name']}"
        connection.execute(f"COPY (SELECT {columns} FROM ({query}) ORDER BY {', '.join(section['sort'])}) TO '{out}/{name}.csv' (HEADER false)")
