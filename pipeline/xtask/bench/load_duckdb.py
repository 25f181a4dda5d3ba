"""Stage (a) in DuckDB: CSV files → typed Parquet, zstd, by year and month. Usage: load_duckdb.py FEEDS OUT [MEMORY_LIMIT]"""

import sys

import duckdb

from wide import COLUMNS

feeds, out = sys.argv[1:3]
connection = duckdb.connect()
connection.execute("SET preserve_insertion_order = false")
if len(sys.argv) > 3:
    connection.execute(f"SET memory_limit = '{sys.argv[3]}'")
types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
connection.execute(f"""
    COPY (
        SELECT *, year(usage_date) AS year, month(usage_date) AS month
        FROM read_csv('{feeds}/*.csv', columns = {{{types}}}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
                      timestampformat = '%Y-%m-%dT%H:%M:%SZ', dateformat = '%Y-%m-%d')
    ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (year, month), OVERWRITE_OR_IGNORE true)
""")
