"""Whether the newest data sets of a Takings project and the CSV files of a peer hold the same rows. Usage: same_reports.py PROJECT FOLDER"""

import csv
import re
import sys
from itertools import zip_longest
from pathlib import Path

project, folder = map(Path, sys.argv[1:3])
rows = 0
files = sorted(folder.glob("*.csv"))
if not files:
    sys.exit(f"reports: {folder} holds none")
for theirs in files:
    name = re.compile(re.escape(theirs.stem) + r"_\d{4}-\d\d-\d\d\.csv")
    found = [path for path in (project / "data" / "datasets").glob("*.csv") if name.fullmatch(path.name)]
    if not found:
        sys.exit(f"reports: {theirs.stem} is missing in {project}")
    ours = max(found, key=lambda path: path.stat().st_mtime)
    with ours.open(newline="") as one, theirs.open(newline="") as other:
        next(one)
        count = 0
        for count, (mine, yours) in enumerate(zip_longest(csv.reader(one), csv.reader(other)), 1):
            if mine != yours:
                sys.exit(f"reports: {theirs.stem}, row {count}: {mine} and {yours}")
        if count == 0:
            sys.exit(f"reports: {theirs.stem} has no row")
        rows += count
print(f"reports: the same {rows} rows in {len(files)} reports")
