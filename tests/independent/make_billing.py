"""Billing events of make_feeds.py: sales with all that befalls them, and the payouts that settle them.

Knows the made-up world; draws everything from its random generator.
"""

from datetime import timedelta
from decimal import Decimal

HALF = Decimal("0.005")


class Billing:
    def __init__(self, rng, sink, world, around, sales):
        self.rng = rng
        self.sink = sink
        self.world = world
        self.around = around
        self.sales = sales
        self.open = []  # invoiced rows that a payout may settle

    def make(self):
        for n in range(self.sales):
            self.sale(n)
        # Days with payouts; around - 3 is the day that the tick's disbursement report covers.
        for offset in (-55, -30, -12, -4, -3, -3, -2):
            self.payouts(offset)

    def put(self, row, at, known=None, dates="both"):
        row = dict(row, recipient_account_id=self.world.seller)
        row.setdefault("billing_event_id", self.world.id("BE").replace(".", "").replace("_", ""))
        return self.sink.put("BillingEventFeed", row, at, known or self.world.late(at), dates=dates)

    # -- what is invoiced -----------------------------------------------------------------------

    def sale(self, n):
        rng, world = self.rng, self.world
        at = world.day(-rng.choice([2, 3, 3, 4, 10, 16, 25, 33, 40, 50, 63, 64, 75, 95, 125, 160]))
        agreement = rng.choice(world.agreements)
        offer, product = agreement["offer_id"], dict(world.offers)[agreement["offer_id"]]
        if n % 13 == 0:
            product = world.unknown_product
        buyer = agreement["acceptor_account_id"]
        payer = rng.choice([buyer, rng.choice(world.payers)])
        broker = rng.choice([None, "AWS_INC", "AWS_INC", "AWS_EUROPE", "AWS_JAPAN"])
        currency = rng.choice(["USD", "USD", "USD", "EUR", "JPY"])
        base = {
            "action": "INVOICED", "balance_impacting": 1, "product_id": world.named(product), "currency": currency,
            "end_user_account_id": None if n % 11 == 7 else buyer, "broker_id": broker,
            "invoice_date": at, "invoice_id": str(rng.randrange(10 ** 10)),
            "payment_due_date": at + timedelta(days=rng.choice([0, 1, 30, 45])),
            "transaction_reference_id": world.id("ref"),
            "billing_address_id": rng.choice(world.addresses + [None] * 6),
            "agreement_id": None if n % 9 == 5 else agreement["agreement_id"],
            "offer_id": None if n % 9 == 5 else offer,
        }
        self.dual = self.dual_columns(n, currency)
        price = world.amount()
        if n % 4 == 0:  # two lines that meet on a tie
            first = self.invoiced(base, "SELLER_REV_SHARE", price - HALF, payer, world.seller)
            self.invoiced(base, "SELLER_REV_SHARE", 2 * HALF - HALF - HALF + HALF * rng.choice([1, 3, -1]),
                          payer, world.seller)
        else:
            days = rng.choice([0, 5, 29])
            period = {} if n % 5 == 0 else {
                "usage_period_start_date": (at - timedelta(days=days)).replace(hour=0, minute=0, second=0),
                "usage_period_end_date": at.replace(hour=23, minute=59, second=59)}
            first = self.invoiced(dict(base, **period), "SELLER_REV_SHARE", price, payer, world.seller)
        self.fee(base, first, "AWS_REV_SHARE", -price * Decimal("0.03"))
        if n % 3 == 0:
            self.invoiced(base, "SELLER_TAX_SHARE", price * Decimal("0.0875"), payer, world.seller)
        if n % 3 != 2:
            self.invoiced(dict(base, balance_impacting=0), "AWS_TAX_SHARE", price * Decimal("0.1"),
                          payer, "AWS")
        if n % 6 == 1:  # a resale: the reseller's cost
            self.invoiced(dict(base, charge_variant="RESALE", charge_side="BUYING",
                               transaction_reference_id=rng.choice(
                                   [base["transaction_reference_id"], world.id("ref")])),
                          "SELLER_REV_SHARE", -price * Decimal("0.8"), world.seller, world.maker)
        self.afterwards(n, base, first, price, payer, at)

    def dual_columns(self, n, currency):
        """Dual invoicing: the seller is paid in another currency than the buyer pays."""
        return {"disbursement_currency": "EUR" if currency == "USD" else "USD"} if n % 10 == 9 else {}

    def invoiced(self, base, kind, amount, source, target, **more):
        amount = amount.quantize(Decimal("0.0000000001"))
        row = dict(base, transaction_type=kind, amount=amount, from_account_id=source,
                   to_account_id=target, **more)
        if self.dual:
            row.update(self.dual, disbursement_amount=(amount * Decimal("1.1")).quantize(
                Decimal("0.0000000001")))
        put = self.put(row, base["invoice_date"])
        if row["balance_impacting"]:
            self.open.append(put)
        self.versions(put)
        return put

    def fee(self, base, first, kind, amount):
        """A listing fee; with brokers other than AWS_INC on its own invoice and later."""
        if base["broker_id"] in (None, "AWS_INC"):
            return self.invoiced(base, kind, amount, self.world.seller, "AWS")
        own = dict(base, transaction_reference_id=self.world.id("fee"), invoice_id="F" + base["invoice_id"],
                   invoice_date=base["invoice_date"] + timedelta(days=self.rng.choice([0, 1, 9])),
                   payment_due_date=None, billing_address_id=None, agreement_id=None, offer_id=None,
                   parent_billing_event_id=first["billing_event_id"])
        return self.invoiced(own, kind, amount, self.world.seller, "AWS")

    def versions(self, put):
        """Corrections, duplicates, deletes and rows without update time."""
        event, rng = "BillingEventFeed", self.rng
        known = put["update_date"]
        draw = rng.randrange(40)
        if draw == 0:
            self.sink.again(event, put, known)  # the same row twice
        elif draw == 1:
            put.update(self.sink.again(event, put, known + timedelta(days=3),
                                       amount=put["amount"] + Decimal("1.005")))
        elif draw == 2:  # into the month before, or the day before
            put.update(self.sink.again(event, put, known + timedelta(days=2),
                                       invoice_date=put["invoice_date"] - timedelta(days=rng.choice([1, 20]))))
        elif draw == 3:
            self.sink.again(event, put, known + timedelta(days=4), delete=True)
            self.open = [o for o in self.open if o is not put]
        elif draw == 4:  # deleted so late that the tick does not see it
            self.sink.again(event, put, self.around + timedelta(days=6), delete=True)
        elif draw == 5:  # corrected only after the tick
            self.sink.again(event, put, self.around + timedelta(days=5), amount=Decimal("99999"))

    def afterwards(self, n, base, first, price, payer, at):
        """Refunds, credits, forgiveness and adjustments; some refunds fall in a later month."""
        world = self.world
        if n % 5 == 2:
            later = min(at + timedelta(days=self.rng.choice([1, 12, 35])), self.around - timedelta(days=1))
            refund = dict(base, invoice_date=later)
            self.invoiced(refund, "SELLER_REV_SHARE_REFUND", -price / 3, payer, world.seller,
                          parent_billing_event_id=first["billing_event_id"])
            self.fee(refund, first, "AWS_REV_SHARE_REFUND", price * Decimal("0.01"))
        if n % 7 == 3:  # a refund of a sale that no feed holds
            self.invoiced(dict(base, transaction_reference_id=world.id("old")),
                          "SELLER_REV_SHARE_REFUND", -world.amount(), payer, world.seller,
                          parent_billing_event_id="BEunknown")
        if n % 8 == 4:
            self.invoiced(base, "SELLER_REV_SHARE_CREDIT", -HALF * 7, payer, world.seller)
            self.fee(base, first, "AWS_REV_SHARE_CREDIT", HALF)
        if n % 12 == 6:
            self.invoiced(base, "SELLER_TAX_SHARE_REFUND", -price * Decimal("0.02"), payer, world.seller)
        if n % 14 == 9:
            self.invoiced(base, "BALANCE_ADJUSTMENT", Decimal("-1.005"), world.seller, "AWS")
        if n % 10 == 8:  # the whole sale is forgiven
            self.forgive(base, at)
        if n % 6 == 0:
            self.put(dict(base, action="COLLECTED", transaction_type="SELLER_REV_SHARE",
                          amount=-price, from_account_id=payer, to_account_id=world.seller,
                          balance_impacting=0, parent_billing_event_id=first["billing_event_id"]),
                     at + timedelta(days=1))

    def forgive(self, base, at):
        reference = base["transaction_reference_id"]
        day = min(at + timedelta(days=9), self.around - timedelta(days=1))
        for row in [o for o in self.open if o["transaction_reference_id"] == reference]:
            copy = {c: row.get(c) for c in row if c not in (
                "billing_event_id", "valid_from", "insert_date", "update_date", "delete_date",
                "payment_due_date")}
            copy.update(action="FORGIVEN", amount=-row["amount"],
                        parent_billing_event_id=row["billing_event_id"])
            if row.get("disbursement_amount") is not None:
                copy["disbursement_amount"] = -row["disbursement_amount"]
            self.put(copy, day)
            self.open.remove(row)

    # -- what is paid out ---------------------------------------------------------------------------

    def payouts(self, offset):
        at = self.world.day(offset)
        for currency in ("USD", "EUR", "JPY"):
            ready = [o for o in self.open if paid_in(o) == currency
                     and o["invoice_date"] < at and self.rng.random() < 0.6]
            if ready:
                self.payout(at, currency, ready, bounces=self.rng.random() < 0.3)

    def payout(self, at, currency, ready, bounces):
        event = self.world.id("PAY")
        trace = f"trace-{self.rng.randrange(10 ** 8):08}"
        settled = Decimal(0)
        for row in ready:
            share = self.rng.choice([Decimal(1), Decimal(1), Decimal("0.5")])
            part = self.settle(row, share, event, trace, at)
            settled += part
            if not bounces and share == 1:
                self.open.remove(row)
        world = self.world
        self.put({"billing_event_id": event, "action": "DISBURSED", "transaction_type": "DISBURSEMENT",
                  "amount": settled, "currency": currency, "balance_impacting": 0, "invoice_date": at,
                  "from_account_id": "AWS", "to_account_id": world.seller, "bank_trace_id": trace}, at)
        if bounces:
            self.bounce(at + timedelta(days=self.rng.choice([1, 2, 8])), event, currency, settled, ready)

    def settle(self, row, share, event, trace, at):
        """A DISBURSED row carries the opposite sign of what it pays out; the sum is positive."""
        copy = {c: row.get(c) for c in (
            "product_id", "end_user_account_id", "transaction_type", "from_account_id", "to_account_id",
            "invoice_date", "invoice_id", "transaction_reference_id", "billing_address_id", "broker_id",
            "agreement_id", "offer_id", "usage_period_start_date", "usage_period_end_date", "currency",
            "charge_variant", "charge_side", "disbursement_currency")}
        paid = (row["amount"] * share).quantize(Decimal("0.0000000001"))
        copy.update(action="DISBURSED", amount=-paid, balance_impacting=0, bank_trace_id=trace,
                    disbursement_billing_event_id=event, parent_billing_event_id=row["billing_event_id"])
        if row.get("disbursement_amount") is not None:
            paid = (row["disbursement_amount"] * share).quantize(Decimal("0.0000000001"))
            copy["disbursement_amount"] = -paid
        self.put(copy, at)
        return paid

    def bounce(self, at, event, currency, settled, ready):
        failure = self.world.id("FAIL")
        self.put({"billing_event_id": failure, "action": "DISBURSED",
                  "transaction_type": "DISBURSEMENT_FAILURE", "amount": -settled, "currency": currency,
                  "balance_impacting": 0, "invoice_date": at, "from_account_id": self.world.seller,
                  "to_account_id": "AWS", "parent_billing_event_id": event}, at)
        for row in ready[:3]:  # reversal rows that hang on the failure
            copy = {c: row.get(c) for c in (
                "product_id", "end_user_account_id", "transaction_type", "from_account_id",
                "to_account_id", "invoice_date", "transaction_reference_id", "currency", "amount",
                "broker_id", "agreement_id")}
            self.put(dict(copy, action="DISBURSED", balance_impacting=0,
                          disbursement_billing_event_id=failure,
                          parent_billing_event_id=row["billing_event_id"]), at)


def paid_in(row):
    return row.get("disbursement_currency") or row["currency"]
