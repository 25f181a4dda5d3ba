"""Whether two loads hold the same lines: their number, the exact sums and an order-free hash over all columns, by month and in all.

Usage: same.py PROJECT FOLDER NAME. PROJECT is a Takings project, FOLDER what a peer wrote. The lake's current files are read from its Delta log.
"""

import json
import sys
from pathlib import Path

import duckdb

from wide import COLUMNS


def current(table: Path) -> list[str]:
    files = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                files[action["add"]["path"]] = True
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
    return [str(table / path.replace("%3A", ":").replace("%20", " ")) for path in files]


def facts(connection, source: str):
    names = [f'"{name}"' if not kind.startswith("TIMESTAMP") else f"epoch_us({name})" for name, kind in COLUMNS.items()]
    # Empty text and null are told apart by no CSV: both count as nothing.
    texts = [f"coalesce({name}, '')" if COLUMNS[name.strip(chr(34))] == "VARCHAR" else name for name in names if not name.startswith("epoch")]
    texts += [name for name in names if name.startswith("epoch")]
    return connection.execute(f"""
        SELECT year(usage_date) AS y, month(usage_date) AS m, count(*), sum(units), sum(unit_price), sum(gross_amount),
               sum(hash({", ".join(texts)})::HUGEINT)
        FROM {source} GROUP BY ALL ORDER BY ALL
    """).fetchall()


def main():
    project, folder, name = sys.argv[1:4]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    columns = ", ".join(COLUMNS)
    files = current(Path(project) / "data" / "lake" / "wide_usage_line")
    ours = facts(connection, f"(SELECT {columns} FROM read_parquet({files}))")
    theirs = facts(connection, f"(SELECT {columns} FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = false))")
    if ours != theirs:
        different = [(one, other) for one, other in zip(ours, theirs) if one != other][:3]
        print(f"{name}: not the same: {len(ours)} and {len(theirs)} months, first differences {different}")
        return 1
    rows = sum(month[2] for month in ours)
    gross = sum(month[5] for month in ours)
    print(f"{name}: the same {rows} lines in {len(ours)} months, gross {gross}")
    return 0


sys.exit(main())
