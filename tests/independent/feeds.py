"""Reads the raw feed files and decides which rows count at a known-at time (rules R1-R5).

Knows the folder layout and the columns; knows no report. Nothing here looks at the
clock, at SQL or at the configuration of the project: it is derived from the rules alone.
"""

import csv
import glob
import os
import re
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

csv.field_size_limit(1 << 30)

ONE_DAY = timedelta(days=1)


class FeedError(Exception):
    """A feed row that the rules do not allow; names file and line."""


class Table:
    """One export: where its files are, its key, and which columns are not text."""

    def __init__(self, pattern, key, times=(), decimals=(), integers=(), aliases=None,
                 per_valid_from=True, money=()):
        self.pattern = pattern
        self.key = key
        self.times = set(times)
        self.decimals = set(decimals)
        self.integers = set(integers)
        self.aliases = aliases or {}
        self.per_valid_from = per_valid_from
        self.money = money  # pairs (amount column, currency column), R44


HISTORY = ("valid_from", "valid_to", "insert_date", "update_date", "delete_date")


def feed(name, *args, times=(), **kw):
    return Table(f"{name}_V1/year=*/month=*/*.csv", *args, times=HISTORY + tuple(times), **kw)


TABLES = {
    "account": feed("AccountFeed", ["account_id"]),
    "address": feed("AddressFeed", ["address_id"], aliases={"country": "country_code"}),
    "agreement": feed(
        "AgreementFeed", ["agreement_id"],
        times=["start_time", "end_time", "acceptance_time"],
        decimals=["estimated_agreement_value"]),
    # AMBIGUITY A1: the charge feed documents no key. Two charges of one agreement differ in
    # their term and planned time, so agreement + term + time is taken as the key.
    "agreement_charge": feed(
        "AgreementChargeFeed", ["agreement_id", "term_id", "time"], times=["time"],
        decimals=["amount"], money=[("amount", "currency_code")]),
    "agreement_term": feed("AgreementTermFeed", ["agreement_id", "term_id"]),
    "billing_event": feed(
        "BillingEventFeed", ["billing_event_id"],
        times=["invoice_date", "payment_due_date", "usage_period_start_date",
               "usage_period_end_date", "action_date", "buyer_invoice_date"],
        decimals=["amount", "disbursement_amount"], integers=["balance_impacting"],
        per_valid_from=False,  # R1: billing events by billing_event_id alone
        money=[("amount", "currency"), ("disbursement_amount", "disbursement_currency")]),
    "daily_usage": feed(
        "DailyUsageFeed", ["usage_feed_id"], times=["usage_date"],
        decimals=["usage_quantity", "estimated_revenue_in_pricing_currency",
                  "usage_rate_per_unit_in_pricing_currency"],
        money=[("estimated_revenue_in_pricing_currency", "pricing_currency")]),
    "offer": feed("OfferFeed", ["offer_id", "offer_revision"], times=["expiration_date"],
                  integers=["offer_revision"]),
    "offer_product": feed("OfferProductFeed", ["offer_id", "offer_revision", "product_id"],
                          integers=["offer_revision"]),
    "offer_target": feed("OfferTargetFeed", ["offer_target_id"], integers=["offer_revision"]),
    "product": feed("ProductFeed", ["product_id"]),
    "legacy_id_mapping": feed("LegacyIdMappingFeed", ["mapping_type", "legacy_id"]),
    "tax_item": feed(
        "TaxItemFeed", ["tax_item_id"],
        times=["invoice_date", "date_used_for_tax_calculation", "tax_invoice_date"],
        decimals=["taxable_amount", "nontaxable_amount", "tax_jurisdiction_rate", "tax_amount",
                  "legal_amount"],
        aliases={"tax_jurisdication_rate": "tax_jurisdiction_rate"},
        money=[("tax_amount", "tax_currency")]),
    "site_visit": Table("SiteVisits/year=*/month=*/*.csv", [], times=["occurred_at"]),
    "product_page": Table("ProductPages/*.csv", ["asin"]),
    "instance_launch": Table("InstanceLaunches/year=*/month=*/*.csv", [], times=["launched_at"]),
    "agreement_detail": Table(
        "AgreementDetails/year=*/month=*/*.csv", [],
        times=["agreement_acceptance_date", "agreement_start_date", "agreement_end_date"],
        decimals=["total_contract_value"]),
}


MONTHS = {m: i + 1 for i, m in enumerate(
    "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}

STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"(?:Z|([+-])(\d\d):?(\d\d))?$")
DAY_MON_YEAR = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})$")


def parse_time(text):
    """Both documented dialects, a plain date, and D-MON-YYYY. UTC, without a zone mark."""
    m = STAMP.match(text)
    if m:
        year, month, day, hour, minute, second, fraction, sign, zone_h, zone_m = m.groups()
        micro = int(((fraction or "") + "000000")[:6])
        t = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0),
                     int(second or 0), micro)
        if sign:
            shift = timedelta(hours=int(zone_h), minutes=int(zone_m))
            t = t - shift if sign == "+" else t + shift
        return t
    m = DAY_MON_YEAR.match(text)
    if m and m[2].upper() in MONTHS:
        return datetime(int(m[3]), MONTHS[m[2].upper()], int(m[1]))
    raise ValueError(f"not a time: {text!r}")


def parse_decimal(text):
    if not re.match(r"[+-]?(\d[\d,]*)?(\.\d+)?$", text) or not re.search(r"\d", text):
        raise ValueError(f"not a decimal: {text!r}")
    return Decimal(text.replace(",", ""))


def read_rows(folder, name):
    """All rows of one export as dicts: column -> typed value or None, with _file and _line."""
    table = TABLES[name]
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, table.pattern))):
        with open(path, encoding="utf-8-sig", newline="") as f:
            reader = csv.reader(f)
            header = None
            while True:
                line = reader.line_num + 1
                try:
                    record = next(reader)
                except StopIteration:
                    break
                if not record:
                    continue
                if header is None:
                    header = [table.aliases.get(h.strip().lower(), h.strip().lower()) for h in record]
                    continue
                if len(record) != len(header):
                    raise FeedError(f"{path}:{line}: {len(record)} cells, header has {len(header)}")
                rows.append(typed_row(table, header, record, path, line))
    return rows


def typed_row(table, header, record, path, line):
    row = {}
    for column, text in zip(header, record):
        if text in ("", "null"):
            row[column] = None
            continue
        try:
            if column in table.times:
                row[column] = parse_time(text)
            elif column in table.decimals:
                row[column] = parse_decimal(text)
            elif column in table.integers:
                row[column] = int(text)
            else:
                row[column] = text
        except ValueError as e:
            raise FeedError(f"{path}:{line}: {column}: {e}") from None
    # R44: an amount without its currency is not taken (such a row belongs in quarantine).
    for amount, currency in table.money:
        if row.get(amount) is not None and row.get(currency) is None:
            raise FeedError(f"{path}:{line}: {amount} without {currency} (R44)")
    row["_file"], row["_line"] = path, line
    return row


def known_from(name, row):
    """R4: when a row became known; None = always."""
    if name == "site_visit":
        return row["occurred_at"] + ONE_DAY
    if name == "instance_launch":
        return row["launched_at"] + ONE_DAY
    if name == "agreement_detail":
        return row["agreement_acceptance_date"] + ONE_DAY
    if name == "product_page":
        return None
    if row.get("update_date") is not None:
        return row["update_date"]
    if row.get("insert_date") is not None:
        return row["insert_date"]
    if row.get("valid_from") is None:
        raise FeedError(f"{row['_file']}:{row['_line']}: valid_from is required (R44)")
    return row["valid_from"] + ONE_DAY


def same_content(a, b):
    skip = ("_file", "_line", "_known")
    return all(a.get(c) == b.get(c) for c in set(a) | set(b) if c not in skip)


def resolve(name, rows, known_at):
    """The rows that stand at known_at: R4 filter, R1 newest version, R2 soft deletes."""
    table = TABLES[name]
    newest = {}
    for row in rows:
        known = known_from(name, row)
        if known is not None and known > known_at:  # R4
            continue
        row["_known"] = known
        key = tuple(row.get(c) for c in table.key)
        if table.per_valid_from:
            key += (row["valid_from"],)
        held = newest.get(key)
        if held is None or known > held["_known"]:  # R1
            newest[key] = row
        elif known == held["_known"] and not same_content(row, held):
            raise FeedError(
                f"R1: {held['_file']}:{held['_line']} and {row['_file']}:{row['_line']} have the "
                f"same key {key} and the same time {known} but different content")
    return [r for r in newest.values() if r.get("delete_date") is None]  # R2


class Revisions:
    """The revisions of each key of a dimension, ordered by valid_from."""

    def __init__(self, rows, key):
        self.by_key = defaultdict(list)
        for row in rows:
            self.by_key[row[key]].append(row)
        for revisions in self.by_key.values():
            revisions.sort(key=lambda r: r["valid_from"])

    def latest(self, key):
        revisions = self.by_key.get(key)
        return revisions[-1] if revisions else None

    def first(self, key):
        revisions = self.by_key.get(key)
        return revisions[0] if revisions else None

    def as_of(self, key, t):
        """R3: valid_from <= t < next valid_from; the first revision reaches back without limit."""
        revisions = self.by_key.get(key)
        if not revisions:
            return None
        found = revisions[0]
        for row in revisions:
            if t is not None and row["valid_from"] <= t:
                found = row
        return found

    def all(self, key):
        return self.by_key.get(key, [])


class Feeds:
    """All exports of one seller as they were known at known_at."""

    def __init__(self, folder, known_at, seller_account):
        self.folder = folder
        self.known_at = known_at
        self.seller_account = seller_account
        self.counts = {}
        for name in TABLES:
            rows = read_rows(folder, name)
            self.counts[name] = len(rows)
            setattr(self, name, self._standing(name, rows))
        self._replace_legacy_ids()
        self.accounts = Revisions(self.account, "account_id")
        self.addresses = Revisions(self.address, "address_id")
        self.products = Revisions(self.product, "product_id")
        self.agreements = Revisions(self.agreement, "agreement_id")
        # Usage rows and tax items may have revisions of one id: the latest one counts.
        self.usage = latest_of_each(self.daily_usage, "usage_feed_id")
        self.tax_items = latest_of_each(self.tax_item, "tax_item_id")
        # AMBIGUITY A2: "to the seller" needs the seller's account_id; it is every account_id
        # of the account feed whose 12-digit number is the instance's seller_account.
        self.seller_ids = {r["account_id"] for r in self.account
                           if r.get("aws_account_id") == seller_account} | {seller_account}

    def _replace_legacy_ids(self):
        """AMBIGUITY A9: a product or offer id of the old form is read as the new id that the legacy
        mapping feed gives for it, in every feed, before anything is looked up or grouped."""
        new_id = {(r["mapping_type"], r["legacy_id"]): r["new_id"]
                  for r in sorted(self.legacy_id_mapping, key=lambda r: r["valid_from"])}
        for name in TABLES:
            for row in getattr(self, name):
                for column, kind in (("product_id", "PRODUCT"), ("offer_id", "OFFER")):
                    if row.get(column) is not None:
                        row[column] = new_id.get((kind, row[column]), row[column])

    def _standing(self, name, rows):
        if name in ("site_visit", "instance_launch", "agreement_detail"):
            return [r for r in rows if known_from(name, r) <= self.known_at]
        if name == "product_page":
            return rows
        return resolve(name, rows, self.known_at)


def latest_of_each(rows, key):
    newest = {}
    for row in rows:
        held = newest.get(row[key])
        if held is None or row["valid_from"] > held["valid_from"]:
            newest[row[key]] = row
    return list(newest.values())


def utc(text):
    """A time given on the command line."""
    if text == "now":
        return datetime.now(timezone.utc).replace(tzinfo=None)
    return parse_time(text)
