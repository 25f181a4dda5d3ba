"""One of AWS's SQL queries over the AWS Marketplace feeds, in DuckDB: CSV files → the rows of the query as CSV.

Usage: vendor_duckdb.py FEEDS QUERY OUT [MEMORY_LIMIT]. QUERY is a file of the user: the queries are AWS's (aws-samples/aws-marketplace-api-samples,
seller-data-feeds/queries) and not part of Takings. They are written for Athena; DuckDB is told here what it does not know of Athena. Both forms of
billed_revenue_report.sql run: the current one, of 2026 (241,060 characters), and the one before (77,636), which is half the work.
"""

import re
import sys
from pathlib import Path

import duckdb

# What Athena has and DuckDB has not, or has with another meaning. Moments are UTC without a zone, which all feeds are.
MACROS = """
    CREATE MACRO from_iso8601_timestamp(moment) AS CAST(nullif(moment, '') AS TIMESTAMP);
    CREATE MACRO date_add(unit, number, moment) AS moment + number * CAST('1 ' || unit AS INTERVAL);
    -- Whole units that passed, not borders between them that were crossed.
    CREATE MACRO date_diff(unit, since, until) AS date_sub(unit, since, until);
    CREATE MACRO at_timezone(moment, zone) AS moment AT TIME ZONE 'UTC' AT TIME ZONE zone;
    -- A quotient of decimals is a decimal of their scale there, a float here.
    CREATE MACRO truncate(number, digits) AS trunc(CAST(number AS DECIMAL(38, 6)) * CAST(10 ** digits AS BIGINT)) / CAST(10 ** digits AS BIGINT);
"""


def main():
    feeds, query, out = map(Path, sys.argv[1:4])
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    if len(sys.argv) > 4:
        connection.execute(f"SET memory_limit = '{sys.argv[4]}'")
    connection.execute(MACROS)
    text = query.read_text()
    for feed in sorted(set(re.findall(r"\b\w+feed_v1\b", text.lower()))):
        view(connection, feeds, feed)
    connection.execute(f"CREATE TABLE made AS {translated(connection, text)}")
    connection.execute(f"COPY made TO '{out}' (HEADER true)")
    print(f"{connection.execute('SELECT count(*) FROM made').fetchone()[0]} rows")
    columns = [column[0].lower() for column in connection.execute("DESCRIBE made").fetchall()]
    by = "currency" if "currency" in columns else "'all currencies'"
    for currency, gross in connection.execute(f"SELECT {by}, sum(gross_revenue) FROM made GROUP BY ALL ORDER BY ALL").fetchall():
        print(f"{currency}: gross revenue {gross}")


def view(connection, feeds: Path, feed: str):
    """The files of a feed, all columns text. An empty field stays empty, as in Athena; only the agreement feeds write a null, as `null`."""
    folder = next((folder for folder in feeds.iterdir() if folder.name.lower() == feed), None)
    if folder is None:
        sys.exit(f"{feeds}: the query reads {feed}, which is not there")
    files = f"""read_csv('{folder}/year=*/month=*/data.csv', all_varchar = true, header = true, delim = ',', quote = '"', escape = '"', nullstr = 'null',
                      union_by_name = true, hive_partitioning = false)"""
    columns = [column[0] for column in connection.execute(f"DESCRIBE FROM {files}").fetchall()]
    # Some feeds name the catalog that a row is of, the query asks all.
    catalog = "" if "catalog" in columns else ", CAST(NULL AS VARCHAR) AS catalog"
    connection.execute(f"CREATE VIEW {feed} AS SELECT *{catalog} FROM {files}")


def translated(connection, text: str) -> str:
    # The query looks back from today, and made-up feeds end on some other day: the day of the newest invoice is taken for today.
    newest = connection.execute("SELECT CAST(max(invoice_date) AS DATE) FROM billingeventfeed_v1").fetchone()[0]
    text = re.sub(r"\bcurrent_date\b", f"DATE '{newest}'", text, flags=re.IGNORECASE)
    # All moments are UTC; with a zone they would be compared through the calendar's rules, which is slower.
    text = re.sub(r"\btimestamp with time zone\b", "TIMESTAMP", text, flags=re.IGNORECASE)
    # An empty field in a column of numbers is nothing, and the agreement feed groups digits by commas.
    text = re.sub(r"\bcast\(([a-z_]+) as (decimal|int)\b", r"CAST(replace(nullif(\1, ''), ',', '') AS \2", text, flags=re.IGNORECASE)
    # The order of a list stands inside the call here, behind it there.
    return re.sub(r",\s*'(.)'\s*\)\s*within group \(order by ", r", '\1' ORDER BY ", text, flags=re.IGNORECASE)


main()
