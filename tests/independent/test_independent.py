"""Figures worked out by hand, so that this recomputation is itself held to something.

    python -m unittest discover -s tests/independent
"""

import csv
import os
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import billed_revenue
import billing
import compare
import disbursement
import feeds
import make_feeds
import money
import reconciliation
import reftags

SELLER, MAKER, BUYER = "012345678901", "111122223333", "737399998888"


def put(folder, path, rows):
    columns = sorted({c for row in rows for c in row})
    make_feeds.write_csv(os.path.join(folder, path), columns, rows)


def event(id, kind, amount, at, **more):
    return {"billing_event_id": id, "transaction_type": kind, "amount": amount, "currency": "USD",
            "valid_from": at, "update_date": at, "invoice_date": at, "action": "INVOICED",
            "balance_impacting": "1", "transaction_reference_id": "T1", "product_id": "p",
            "end_user_account_id": BUYER, "from_account_id": BUYER, "to_account_id": SELLER, **more}


def disbursed(id, parent, kind, amount, at, payout="I14", **more):
    return event(id, kind, amount, at, action="DISBURSED", balance_impacting="0",
                 parent_billing_event_id=parent, disbursement_billing_event_id=payout,
                 invoice_date="2025-12-31T00:00:00Z", bank_trace_id="bt", **more)


def payout(id, amount, at):
    return event(id, "DISBURSEMENT", amount, at, action="DISBURSED", balance_impacting="0",
                 product_id=None, end_user_account_id=None, transaction_reference_id=None)


COST = {"charge_variant": "RESALE", "charge_side": "BUYING", "from_account_id": SELLER,
        "to_account_id": MAKER}
INVOICED, PAID = "2025-12-31T00:00:00Z", "2026-01-05T06:00:00Z"

# The guide's example: 100 sold, 80 to the manufacturer, 0.2 listing fee: 19.8 is paid out.
RESELLER = [
    event("I0", "SELLER_REV_SHARE", "100", INVOICED),
    event("I1", "AWS_TAX_SHARE", "20.6", INVOICED, balance_impacting="0", to_account_id="AWS"),
    event("I2", "SELLER_REV_SHARE", "-80", INVOICED, **COST),
    event("I3", "AWS_REV_SHARE", "-0.2", INVOICED, from_account_id=SELLER, to_account_id="AWS"),
    disbursed("I10", "I0", "SELLER_REV_SHARE", "-100", PAID),
    disbursed("I12", "I2", "SELLER_REV_SHARE", "80", PAID, **COST),
    disbursed("I13", "I3", "AWS_REV_SHARE", "0.2", PAID, from_account_id=SELLER),
    payout("I14", "19.8", PAID),
]
MANUFACTURER = [
    event("I5", "SELLER_REV_SHARE", "73.5", INVOICED),
    event("I6", "SELLER_TAX_SHARE", "6.5", INVOICED),
    event("I7", "AWS_REV_SHARE", "-7.35", INVOICED, from_account_id=SELLER),
    disbursed("I30", "I5", "SELLER_REV_SHARE", "-73.5", PAID),
    disbursed("I31", "I6", "SELLER_TAX_SHARE", "-6.5", PAID),
    disbursed("I32", "I7", "AWS_REV_SHARE", "7.35", PAID),
    payout("I14", "72.65", PAID),
]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def load(self, billing=(), known_at="2026-02-01", **others):
        if billing:
            put(self.folder.name, "BillingEventFeed_V1/year=2026/month=01/data.csv", billing)
        for path, rows in others.items():
            put(self.folder.name, path.replace("__", "/") + ".csv", rows)
        return feeds.Feeds(self.folder.name, feeds.utc(known_at), SELLER)

    def rolled(self, loaded):
        """(reference, currency) -> Balance of January."""
        moves = reconciliation.movements(billing.load_events(loaded))
        return reconciliation.balances(moves, datetime(2026, 1, 1), datetime(2026, 2, 1),
                                       reconciliation.of_reference)

    def cells(self, section, *wanted):
        return [[row[section.header.index(c)] for c in wanted] for row in section.rows]


class DocumentedExample(Case):
    def report(self, rows):
        loaded = self.load(rows)
        made = disbursement.report(loaded, datetime(2026, 1, 8), sharing=False)
        return {s.title: s for s in made.sections}

    def test_reseller(self):
        sections = self.report(RESELLER)
        self.assertEqual(
            self.cells(sections["Disbursed amount by product"],
                       "SellerRev", "AWSRefFee", "Net Amount", "Payer Reference ID"),
            [["20.00", "-0.20", "19.80", BUYER]])
        self.assertEqual(
            self.cells(sections["Disbursed amount by customer geography"],
                       "Settlement ID", "Deposit Date", "Disbursed Amount"),
            [["I14", "2026-01-05T06:00:00Z", "19.80"]])
        self.assertEqual(sections["Age of uncollected funds"].rows, [])

    def test_manufacturer(self):
        sections = self.report(MANUFACTURER)
        # Tax is outside Net Amount (R8) and inside what was collected.
        self.assertEqual(
            self.cells(sections["Disbursed amount by product"], "SellerRev", "AWSRefFee",
                       "SellerUSSalesTax", "Net Amount"),
            [["73.50", "-7.35", "6.50", "66.15"]])
        self.assertEqual(sections["Age of disbursed funds"].rows,
                         [["72.65", "0.00", "0.00", "0.00", "0.00", "72.65", "USD"]])

    def test_bounced(self):
        failure = event("X", "DISBURSEMENT_FAILURE", "-19.8", "2026-01-05T20:00:00Z",
                        action="DISBURSED", balance_impacting="0", parent_billing_event_id="I14")
        again = disbursed("R", "I0", "SELLER_REV_SHARE", "100", "2026-01-05T20:00:00Z", payout="X")
        sections = self.report(RESELLER + [failure, again])
        self.assertEqual(len(sections["Disbursed amount by product"].rows), 1)  # R11
        self.assertEqual(sections["Age of uncollected funds"].rows,
                         [["19.80", "0.00", "0.00", "0.00", "0.00", "19.80", "USD"]])
        loaded = self.load()
        rolled = self.rolled(loaded)
        balance = rolled["T1", "USD"]
        self.assertEqual((balance.opening, balance.disbursed, balance.failed, balance.closing),
                         (Decimal("19.8"), Decimal("19.8"), Decimal("19.8"), Decimal("19.8")))


class Untied(Case):
    """R46, reason by reason."""

    def listed(self, rows):
        loaded = self.load(rows)
        made = reconciliation.report(loaded, datetime(2026, 1, 1), datetime(2026, 2, 1))
        return sorted(made.sections[3].rows)

    def test_documented_example_ties(self):
        rows = [dict(row, bank_trace_id="bt") if row["billing_event_id"] == "I14" else row
                for row in RESELLER]
        self.assertEqual(self.listed(rows), [])

    def test_paid_and_paid_by(self):
        rows = [event("A", "SELLER_REV_SHARE", "10", INVOICED),
                disbursed("A1", "A", "SELLER_REV_SHARE", "-12", PAID),
                disbursed("B1", "B", "SELLER_REV_SHARE", "-3", PAID),
                disbursed("C1", "C", "SELLER_REV_SHARE", "-4", PAID, payout="lost"),
                dict(payout("I14", "14", PAID), bank_trace_id="other")]
        self.assertEqual(self.listed(rows), [
            ["", "I14", "USD", "disbursement differs from the sum of its lines", "3", "-1"],
            ["T1", "", "USD", "more paid or forgiven than invoiced", "2", "-2"],
            ["T1", "", "USD", "paid or forgiven without an invoiced event", "1", "-3"],
            ["T1", "I14", "USD", "paid under another bank trace id than its disbursement", "2", "-15"],
            ["T1", "lost", "USD", "paid by a disbursement that is not known", "1", "-4"]])

    def test_failed(self):
        failure = {"action": "DISBURSED", "balance_impacting": "0", "parent_billing_event_id": "I14"}
        rows = RESELLER + [
            event("X", "DISBURSEMENT_FAILURE", "-19", PAID, **failure),
            disbursed("R", "I0", "SELLER_REV_SHARE", "100", PAID, payout="X"),
            event("Y", "DISBURSEMENT_FAILURE", "-7", PAID, **dict(failure, parent_billing_event_id="Z"))]
        self.assertEqual(self.listed(rows), [
            ["", "I14", "USD", "disbursement without a bank trace id", "1", "19.8"],
            ["", "I14", "USD", "failure differs from its disbursement", "2", "0.8"],
            ["", "Z", "USD", "failure of a disbursement that is not known", "1", "-7"],
            ["T1", "I14", "USD", "failed and not turned round in full", "4", "80.2"]])


class TwoCurrencies(Case):
    """R25: the original event decides in which currency its open amount counts."""

    DUAL = {"disbursement_amount": "90", "disbursement_currency": "EUR"}
    PAID_DUAL = {"disbursement_amount": "-90", "disbursement_currency": "EUR"}

    def left_open(self, rows):
        loaded = self.load(rows)
        items = billing.open_items(billing.load_events(loaded), datetime(2026, 1, 6))
        rolled = self.rolled(loaded)
        closing = {currency: b.closing for (_, currency), b in rolled.items() if b.closing != 0}
        self.assertEqual({key: b.gap() for key, b in rolled.items() if b.gap() != 0}, {})
        self.assertEqual(closing, {i.currency: i.amount for i in items})
        return closing

    def test_dual_invoiced_and_paid(self):
        self.assertEqual(self.left_open([
            event("A", "SELLER_REV_SHARE", "100", INVOICED, **self.DUAL),
            disbursed("B", "A", "SELLER_REV_SHARE", "-100", PAID, **self.PAID_DUAL),
            payout("I14", "90", PAID)]), {})

    def test_dual_invoiced_and_partly_forgiven(self):
        self.assertEqual(self.left_open([
            event("A", "SELLER_REV_SHARE", "100", INVOICED, **self.DUAL),
            event("F", "SELLER_REV_SHARE", "-50", PAID, action="FORGIVEN",
                  parent_billing_event_id="A", disbursement_amount="-45",
                  disbursement_currency="EUR")]), {"EUR": Decimal("45")})

    def test_single_invoice_paid_in_another_currency(self):
        self.assertEqual(self.left_open([
            event("A", "SELLER_REV_SHARE", "100", INVOICED),
            disbursed("B", "A", "SELLER_REV_SHARE", "-60", PAID, **self.PAID_DUAL),
            payout("I14", "90", PAID)]), {"USD": Decimal("40")})


class BilledRevenue(Case):
    def test_moved_fee_cost_and_ties(self):
        rows = [
            event("A", "SELLER_REV_SHARE", "10.0025", "2026-01-03T00:00:00Z"),
            event("B", "SELLER_REV_SHARE", "0.0025", "2026-01-03T00:00:00Z"),  # a tie: 10.005
            event("C", "SELLER_REV_SHARE_CREDIT", "-0.005", "2026-01-03T00:00:00Z"),
            event("D", "SELLER_REV_SHARE", "-8", "2026-01-03T00:00:00Z", **COST),
            # The broker's own invoice, in the next month, under its own reference: moved (R10).
            event("E", "AWS_REV_SHARE", "-0.3", "2026-02-02T00:00:00Z", broker_id="AWS_EUROPE",
                  transaction_reference_id="FEE", parent_billing_event_id="A",
                  update_date="2026-01-20T00:00:00Z"),
            event("F", "SELLER_REV_SHARE", "5", "2026-01-09T00:00:00Z",
                  update_date="2026-03-09T00:00:00Z"),  # not yet known
        ]
        loaded = self.load(rows)
        made = billed_revenue.report(loaded, datetime(2026, 1, 1), datetime(2026, 2, 1), False)
        self.assertEqual(
            self.cells(made.sections[0], "Customer Billed Amount", "AWS Listing Fee",
                       "Refunds Amount", "Cost", "Partner Revenue Amount"),
            [["10.01", "-0.30", "-0.01", "-8.00", "1.70"]])


class RefTags(Case):
    def test_attribution(self):
        visit = lambda at, tag, asin="A1", event="view", session="s", account="acc": {
            "occurred_at": at, "session_id": session, "account_id": account,
            "path": f"/marketplace/pp/{asin}/ref={tag}", "event": event}
        loaded = self.load(
            **{"SiteVisits__year=2026__month=01__visits": [
                visit("2026-01-01T10:00:00Z", "zz"), visit("2026-01-01T10:00:00Z", "bb"),
                visit("2026-01-20T10:00:00Z", "cc", session="t", account=""),
                visit("2026-01-20T11:00:00Z", "cc", event="subscribe_open", session="t", account=""),
                visit("2026-01-20T12:00:00Z", "cc?x", session="u", account="")],
               "ProductPages__products": [{"asin": "A1", "product_code": "c", "title": "T"}],
               "ProductFeed_V1__year=2026__month=01__data": [
                   {"product_id": "p", "product_code": "c", "title": "T",
                    "valid_from": "2025-01-01T00:00:00Z", "update_date": "2025-01-01T00:00:00Z"}],
               "DailyUsageFeed_V1__year=2026__month=01__data": [
                   {"usage_feed_id": "u", "usage_date": "2026-01-20", "product_id": "p",
                    "end_user_account_id": "acc", "usage_unit": "Hours", "usage_quantity": "2.50",
                    "estimated_revenue_in_pricing_currency": "1.005", "pricing_currency": "USD",
                    "valid_from": "2026-01-20T00:00:00Z", "update_date": "2026-01-21T00:00:00Z"}]})
        made = reftags.daily(loaded, datetime(2026, 1, 20))
        self.assertEqual(
            sorted(self.cells(made.sections[0], "REFTAG", "CLICKS", "CONVERSIONS", "USAGE_HOURS",
                              "REVENUE")),
            [["bb", "0", "0", "2.5", "1.01"], ["cc", "2", "1", "0", "0.00"]])


class Cells(unittest.TestCase):
    def test_rounding_and_guards(self):
        self.assertEqual([money.money_cell(Decimal(t)) for t in
                          ("0.005", "-0.005", "0.0049999999", "-0.004", "1E+3")],
                         ["0.01", "-0.01", "0.00", "0.00", "1000.00"])
        self.assertEqual([money.feed_cell(Decimal(t)) for t in ("100.00", "1E+2", "-0.10", "0.0")],
                         ["100", "100", "-0.1", "0"])
        self.assertEqual([money.text_cell(t) for t in ("=1", "-x", "a=", None)],
                         ["'=1", "'-x", "a=", ""])


class TheComparisonItself(unittest.TestCase):
    def run_compare(self, folder):
        return subprocess.run(
            [sys.executable, os.path.join(HERE, "compare.py"), "--feeds", f"{folder}/feeds",
             "--reports", f"{folder}/out", "--tick", "2026-03-15", "--sharing",
             *(["--write", f"{folder}/out"] if not os.path.exists(f"{folder}/out") else [])],
            capture_output=True, text=True)

    def test_finds_one_changed_cell_and_one_absent_file(self):
        with tempfile.TemporaryDirectory() as folder:
            make_feeds.make(f"{folder}/feeds", 7, datetime(2026, 3, 15), 30)
            self.assertEqual(self.run_compare(folder).returncode, 0)
            self.assertEqual(self.run_compare(folder).stdout.splitlines()[-1], "all equal")
            path = f"{folder}/out/disbursement/disbursement_report_2026-03-15.csv"
            with open(path, encoding="utf-8", newline="") as f:
                rows = list(csv.reader(f))
            rows[2][2] = "123456.78"
            with open(path, "w", encoding="utf-8", newline="") as f:
                for row in rows:
                    csv.writer(f, lineterminator="\n").writerow(row) if row else f.write("\n")
            os.remove(f"{folder}/out/daily_reftag/reftag_daily_breakdown_report_2026-03-15.csv")
            found = self.run_compare(folder)
            self.assertEqual(found.returncode, 1)
            self.assertIn("SellerRev: ours", found.stdout)
            self.assertIn("absent, but has data", found.stdout)
            self.assertEqual(found.stdout.splitlines()[-1], "2 differences")


if __name__ == "__main__":
    unittest.main()
