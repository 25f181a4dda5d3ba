# Reads report files and data sets with the csv module and holds their shape against what the reports declare.
import csv
import json
import sys

for file in json.loads(sys.argv[1]):
    path = file["path"]
    raw = open(path, "rb").read()
    assert not raw.startswith(b"\xef\xbb\xbf") and b"\r\n" not in raw, path
    with open(path, encoding="utf-8", newline="") as f:
        records = list(csv.reader(f, strict=True))
    if "headers" in file:
        assert records[0] == file["headers"], (path, records[0])
        assert records[1:] == file["rows"], f"{path} has other rows than its section"
        for number, record in enumerate(records[1:], 1):
            assert len(record) == len(file["headers"]), (path, number, record)
        continue
    # One empty line between sections, a title line where there are several.
    sections = [[]]
    for record in records:
        if record:
            sections[-1].append(record)
        else:
            sections.append([])
    assert len(sections) == len(file["titles"]), (path, len(sections))
    for title, width, section in zip(file["titles"], file["widths"], sections):
        if len(sections) > 1:
            assert section.pop(0) == [title], (path, title)
        for number, record in enumerate(section):
            assert len(record) == width, (path, title, number, record)
