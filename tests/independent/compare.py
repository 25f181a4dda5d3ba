"""Recomputes the seller reports from the raw feeds and compares them with the files Takings wrote.

    python tests/independent/compare.py --feeds DIR --reports DIR --tick 2026-03-15

Rows are compared as multisets: their order is not. Exit 0: all equal; 1: a difference (each is
printed with section, column, ours and theirs); 2: usage, or feeds that the rules refuse.
"""

import argparse
import csv
import io
import os
import sys
from collections import Counter
from datetime import datetime, timedelta

import billed_revenue
import daily_business
import disbursement
import feeds as feed_files
import reconciliation
import reftags
import sales_compensation
import subscribers
import tax

JOB_OF = {
    "daily_business": "nightly",
    "daily_customer_subscriber": "nightly",
    "daily_reftag": "nightly",
    "disbursement": "nightly",
    "weekly_reftag": "weekly",
    "monthly_billed_revenue": "monthly",
    "us_sales_and_use_tax": "monthly",
    "sales_compensation": "monthly",
    "reconciliation": "monthly",
}


def jobs_of(tick):
    jobs = ["nightly"]
    if tick.weekday() == 0:
        jobs.append("weekly")
    if tick.day == 15:
        jobs.append("monthly")
    return jobs


def month_before(tick):
    end = tick.replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


def compute(name, feeds, tick, sharing):
    """The report `name` of the tick, from the feeds alone."""
    day = tick - timedelta(days=1)
    start, end = month_before(tick)
    if name == "daily_business":
        return daily_business.report(feeds, day, tick, sharing)
    if name == "daily_customer_subscriber":
        return subscribers.report(feeds, day, tick, sharing)
    if name == "daily_reftag":
        return reftags.daily(feeds, day)
    if name == "disbursement":
        return disbursement.report(feeds, tick, sharing)
    if name == "weekly_reftag":
        return reftags.weekly(feeds, tick - timedelta(days=7), tick)
    if name == "monthly_billed_revenue":
        return billed_revenue.report(feeds, start, end, sharing)
    if name == "us_sales_and_use_tax":
        return tax.report(feeds, start, end, sharing)
    if name == "sales_compensation":
        return sales_compensation.report(feeds, start, end, sharing)
    if name == "reconciliation":
        return reconciliation.report(feeds, start, end)
    raise ValueError(name)


def file_name(stem, tick, revision=None):
    restated = f".r{revision}" if revision else ""
    return f"{stem}_{tick:%Y-%m-%d}{restated}.csv"


# -- the files that Takings wrote -----------------------------------------------------


def read_report(path):
    """[(title or None, header, rows)] of a report file."""
    with open(path, "rb") as f:
        raw = f.read()
    if raw.startswith(b"\xef\xbb\xbf"):
        raise SystemExit(f"{path}: starts with a byte order mark")
    text = raw.decode("utf-8")
    blocks, block = [], []
    for record in csv.reader(io.StringIO(text, newline="")):
        if record:
            block.append(record)
        else:
            blocks.append(block)
            block = []
    blocks.append(block)
    blocks = [b for b in blocks if b]
    if len(blocks) == 1 and len(blocks[0][0]) > 1:
        return [(None, blocks[0][0], blocks[0][1:])]
    return [(b[0][0] if len(b[0]) == 1 else None, b[1] if len(b) > 1 else [], b[2:])
            for b in blocks]


def write_report(report, path):
    """Our own file in the same layout, to look at."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        for i, section in enumerate(report.sections):
            if i:
                f.write("\n")
            if len(report.sections) > 1:
                out.writerow([section.title])
            out.writerow(section.header)
            out.writerows(sorted(section.rows))


# -- comparing ------------------------------------------------------------------------


class Differences:
    def __init__(self, limit):
        self.count = 0
        self.limit = limit

    def say(self, text, detail=False):
        if not detail:
            self.count += 1
        if self.count <= self.limit:
            print(text)
        elif self.count == self.limit + 1 and not detail:
            print(f"... more than {self.limit} differences; the rest are only counted")


def compare_report(ours, path, out):
    name = os.path.basename(path)
    if not os.path.exists(path):
        if ours.has_data():
            sizes = ", ".join(f"{s.title}: {len(s.rows)}" for s in ours.sections)
            out.say(f"{name}: absent, but has data ({sizes})")
        return
    if not ours.has_data():
        out.say(f"{name}: present, but there is no data for it")
        return
    theirs = read_report(path)
    if len(theirs) != len(ours.sections):
        out.say(f"{name}: {len(theirs)} sections, expected {len(ours.sections)}")
    for i, (section, block) in enumerate(zip(ours.sections, theirs), 1):
        compare_section(f"{name} section {i} ({section.title})", section, block,
                        len(ours.sections) > 1, out)


def compare_section(where, ours, block, titled, out):
    title, header, rows = block
    expected_title = ours.title if titled else None
    if title != expected_title:
        out.say(f"{where}: title {title!r}, expected {expected_title!r}")
    our_header, our_rows = ours.header, ours.rows
    if header != our_header:
        for column in [c for c in our_header if c not in header]:
            out.say(f"{where}: column {column!r} is missing")
        for column in [c for c in header if c not in our_header]:
            out.say(f"{where}: column {column!r} is not expected")
        both = [c for c in our_header if c in header]
        if both != [c for c in header if c in our_header]:
            out.say(f"{where}: columns in another order: {header}")
        # The cells of the columns that both have are still compared.
        our_rows = [[row[our_header.index(c)] for c in both] for row in our_rows]
        rows = [[row[header.index(c)] for c in both] if len(row) == len(header) else row
                for row in rows]
        our_header = both
    mine, theirs = Counter(map(tuple, our_rows)), Counter(map(tuple, rows))
    missing, extra = list((mine - theirs).elements()), list((theirs - mine).elements())
    report_rows(where, our_header, missing, extra, out)


def report_rows(where, header, missing, extra, out):
    """Pairs each row of ours that they lack with the most similar of theirs that we lack."""
    pairs = [(sum(a == b for a, b in zip(m, e)), i, j)
             for i, m in enumerate(missing) for j, e in enumerate(extra)
             if len(m) == len(e)] if len(missing) * len(extra) <= 4_000_000 else []
    pairs.sort(key=lambda p: (-p[0], p[1], p[2]))
    done_i, done_j = set(), set()
    for same, i, j in pairs:
        if i in done_i or j in done_j or same * 2 < len(header):
            continue
        done_i.add(i)
        done_j.add(j)
        cells = [c for c in zip(header, missing[i], extra[j]) if c[1] != c[2]]
        out.say(f"{where}: a row differs in {len(cells)} of {len(header)} columns: "
                + label(header, missing[i]))
        for column, a, b in cells:
            out.say(f"    {column}: ours {a!r}, theirs {b!r}", detail=True)
    for i, row in enumerate(missing):
        if i not in done_i:
            out.say(f"{where}: a row is missing in theirs: {dict(zip(header, row))}")
    for j, row in enumerate(extra):
        if j not in done_j:
            out.say(f"{where}: a row is only in theirs: {dict(zip(header, row))}")


NAMES = ("Transaction Reference ID", "Settlement ID", "Subscription Id", "Line Item ID",
         "Jurisdiction Level", "Customer Reference ID", "Product Code", "PRODUCT_CODE", "REFTAG",
         "Usage Type Description", "Instance Type", "AWS Marketplace Offer ID", "Invoice Date",
         "Month", "Reason", "Currency")


def label(header, row):
    return ", ".join(f"{c}={v}" for c, v in zip(header, row) if c in NAMES)


# -- command line -----------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", required=True, help="folder that holds the raw feeds")
    parser.add_argument("--reports", help="folder that holds <report id>/<file>")
    parser.add_argument("--write", help="also write our own report files into this folder")
    parser.add_argument("--tick", required=True, help="the tick's day, e.g. 2026-03-15")
    parser.add_argument("--known-at", help="default: tick + 1 day; a time or `now`")
    parser.add_argument("--seller", default="012345678901", help="the 12-digit seller account")
    parser.add_argument("--sharing", action="store_true", help="enhanced data sharing is on")
    parser.add_argument("--job", action="append", choices=["nightly", "weekly", "monthly"],
                        help="default: every job that has this tick")
    parser.add_argument("--report", action="append", choices=sorted(JOB_OF),
                        help="only these reports")
    parser.add_argument("--revision", type=int, help="compare with <file>.rN.csv")
    parser.add_argument("--limit", type=int, default=40, help="differences to print")
    parser.add_argument("--counts", action="store_true", help="print rows per section")
    return parser.parse_args()


def main():
    args = arguments()
    tick = feed_files.utc(args.tick)
    if tick != datetime(tick.year, tick.month, tick.day):
        print("--tick is a day: ticks are at 00:00 UTC", file=sys.stderr)
        sys.exit(2)
    known_at = feed_files.utc(args.known_at) if args.known_at else tick + timedelta(days=1)
    jobs = args.job or jobs_of(tick)
    names = [n for n, job in JOB_OF.items() if job in jobs and n in (args.report or JOB_OF)]
    try:
        feeds = feed_files.Feeds(args.feeds, known_at, args.seller)
    except feed_files.FeedError as e:
        print(e, file=sys.stderr)
        sys.exit(2)
    print(f"tick {tick:%Y-%m-%d}, known at {known_at:%Y-%m-%dT%H:%M:%SZ}, "
          f"{sum(feeds.counts.values())} feed rows")
    out = Differences(args.limit)
    for name in names:
        ours = compute(name, feeds, tick, args.sharing)
        file = file_name(ours.stem, tick)
        if args.counts or not args.reports:
            sizes = "; ".join(f"{s.title}: {len(s.rows)}" for s in ours.sections) or "not made"
            print(f"{name}: {sizes}")
        if args.write and ours.has_data():
            write_report(ours, os.path.join(args.write, name, file))
        if args.reports:
            theirs = file_name(ours.stem, tick, args.revision)
            compare_report(ours, os.path.join(args.reports, name, theirs), out)
    if args.reports:
        print(f"{out.count} differences" if out.count else "all equal")
    sys.exit(1 if out.count else 0)


if __name__ == "__main__":
    main()
