"""Whether the newest data sets of a Takings project and the CSV files of a peer hold the same rows. Usage: same_reports.py PROJECT FOLDER"""

import csv
import sys
from pathlib import Path

project, folder = map(Path, sys.argv[1:3])
rows = 0
for theirs in sorted(folder.glob("*.csv")):
    ours = max((project / "data" / "datasets").glob(f"*{theirs.stem}_*.csv"), key=lambda path: path.stat().st_mtime, default=None)
    if ours is None:
        sys.exit(f"reports: {theirs.stem} is missing in {project}")
    with ours.open(newline="") as one, theirs.open(newline="") as other:
        next(one)
        left, right = csv.reader(one), csv.reader(other)
        count = 0
        for count, (mine, yours) in enumerate(zip(left, right, strict=True), 1):
            if mine != yours:
                sys.exit(f"reports: {theirs.stem}, row {count}: {mine} and {yours}")
        rows += count
print(f"reports: the same {rows} rows in {len(list(folder.glob('*.csv')))} sections")
