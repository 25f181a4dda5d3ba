"""Billing events as the reports see them: buyer's reference, payer, amounts, open balances (R9-R13, R16, R25).

Knows the billing event feed; knows no printed column.
"""

from collections import defaultdict

from money import ZERO, total

SELLER_REV = "SELLER_REV_SHARE"
FEE = "AWS_REV_SHARE"


class Event:
    """A billing event with its own columns and the place where the reports put it."""

    def __init__(self, row):
        self.row = row
        self.id = row["billing_event_id"]
        self.action = row.get("action")
        self.type = row.get("transaction_type") or ""
        self.parent_id = row.get("parent_billing_event_id")
        self.disbursement_id = row.get("disbursement_billing_event_id")
        self.amount = row.get("amount") or ZERO
        self.currency = row.get("currency")
        self.balance_impacting = row.get("balance_impacting") == 1
        self.valid_from = row["valid_from"]
        self.own_invoice_date = row.get("invoice_date")
        self.own_due = row.get("payment_due_date")
        self.to_account = row.get("to_account_id")
        self.product = row.get("product_id")
        self.end_user = row.get("end_user_account_id")
        self.offer = row.get("offer_id")
        self.broker = row.get("broker_id") or "AWS_INC"
        self.file, self.line = row["_file"], row["_line"]
        # These (and the offer) are replaced by the buyer's for a moved listing fee (R10).
        self.reference = row.get("transaction_reference_id")
        self.invoice_date = row.get("invoice_date")
        self.payer = row.get("from_account_id")
        self.billing_address = row.get("billing_address_id")
        self.agreement = row.get("agreement_id")
        self.due = row.get("payment_due_date")
        self.payer_row = self  # the event that tells who pays

    def billed_on(self):
        """The day that ages count from, else valid_from (R44). AMBIGUITY B9: R13 says "the event's
        own invoice_date", so a moved listing fee ages, and falls due, by its own invoice; in the
        breakdown (R10 names it) its due date and AR period are the buyer's."""
        return (self.own_invoice_date or self.valid_from).date()

    def is_listing_fee(self):
        return self.type.startswith(FEE)

    def is_resale_cost(self):
        """R16: charge variant RESALE on the buying side."""
        return (self.row.get("charge_variant") == "RESALE"
                and self.row.get("charge_side") == "BUYING")

    def tells_payer(self):
        """R9; a moved listing fee has the payer of the buyer's event (R10)."""
        told_by = self.payer_row
        return ("AWS" not in told_by.type and told_by.type != "BALANCE_ADJUSTMENT"
                and not told_by.is_resale_cost())

    def is_dual_invoiced(self):
        return (self.row.get("disbursement_amount") is not None
                and self.row.get("disbursement_currency") is not None)

    def balance_value(self, original):
        """R25 for open amounts: the original event decides for all of its movements. Where it is
        INVOICED in two currencies they count with their disbursement columns, falling back to
        amount and currency; else with amount and currency, whatever a DISBURSED row carries."""
        if original.action == "INVOICED" and original.is_dual_invoiced():
            return self.disbursement_value()
        return self.amount, self.currency

    def disbursement_value(self):
        """R25: (amount, currency), or the disbursement columns of a dual-invoiced row."""
        other, currency = self.row.get("disbursement_amount"), self.row.get("disbursement_currency")
        if other is not None and currency is not None:
            return other, currency
        return self.amount, self.currency


def load_events(feeds, listing_fee_reference="buyer"):
    """billing_event_id -> Event, listing fees moved to the buyer's reference (R10)."""
    events = {row["billing_event_id"]: Event(row) for row in feeds.billing_event}
    if listing_fee_reference == "buyer":
        for event in events.values():
            move_listing_fee(event, events)
    return events


def move_listing_fee(event, events):
    """R10. AMBIGUITY B1: the parents are climbed until one is not a listing fee itself (a
    DISBURSED fee may name the INVOICED fee as its parent). A parent that is not known leaves
    the fee where it is. "Date" is taken as both the invoice date and the payment due date, as
    the published queries do; what the buyer's event lacks stays the fee's own, but the payer and
    the address do not: on the fee's own invoice the payer is the seller."""
    if not event.is_listing_fee() or event.broker == "AWS_INC":
        return
    seen = {event.id}
    buyer = events.get(event.parent_id)
    while buyer is not None and buyer.is_listing_fee() and buyer.id not in seen:
        seen.add(buyer.id)
        buyer = events.get(buyer.parent_id)
    if buyer is None or buyer.is_listing_fee():
        return
    row = buyer.row
    event.reference = row.get("transaction_reference_id") or event.reference
    event.invoice_date = row.get("invoice_date") or event.invoice_date
    event.payer = row.get("from_account_id")
    event.billing_address = row.get("billing_address_id")
    event.payer_row = buyer
    event.agreement = row.get("agreement_id") or event.agreement
    event.offer = row.get("offer_id") or event.offer  # the offer of that agreement
    event.due = row.get("payment_due_date") or event.due


# -- groups ---------------------------------------------------------------------


def greatest(values):
    """The greatest text, bytewise; nulls do not count."""
    found = [v for v in values if v is not None]
    return max(found, key=lambda v: v.encode()) if found else None


def payer_of(group):
    """R9."""
    return greatest(e.payer for e in group if e.tells_payer())


def billing_address_of(group):
    """AMBIGUITY B2: a group has one billing address; should it have several, the greatest. It is
    the payer's, so that of a resale cost, which the seller pays, does not count (as in R9)."""
    return greatest(e.billing_address for e in group if not e.payer_row.is_resale_cost())


def agreement_of(group):
    """AMBIGUITY B3: a group has one agreement; should it have several, the greatest id."""
    return greatest(e.agreement for e in group)


def offer_of(group, agreement):
    """AMBIGUITY B4: the offer that the events name, else the agreement's."""
    return greatest(e.offer for e in group) or (agreement.get("offer_id") if agreement else None)


def invoice_date_of(group):
    """AMBIGUITY B5: "as of the invoice date" of a group = its greatest invoice date."""
    dates = [e.invoice_date for e in group if e.invoice_date is not None]
    return max(dates) if dates else None


def group_by(events, key):
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


# -- disbursements -----------------------------------------------------------------


def disbursements(events):
    """AMBIGUITY B6: a disbursement is type DISBURSEMENT with action DISBURSED (with INVOICED
    such a row only records a reversal)."""
    return {e.id: e for e in events.values()
            if e.type == "DISBURSEMENT" and e.action == "DISBURSED"}


def failures(events):
    return {e.id: e for e in events.values() if e.type == "DISBURSEMENT_FAILURE"}


def failure_times(events):
    """disbursement id -> the time from which it counts as bounced."""
    times = {}
    for failure in failures(events).values():
        t = times.get(failure.parent_id)
        times[failure.parent_id] = failure.valid_from if t is None else min(t, failure.valid_from)
    return times


# -- open amounts (R12) --------------------------------------------------------------


class OpenItem:
    """What is open of one original event in one currency."""

    def __init__(self, event, currency, amount):
        self.event = event
        self.currency = currency
        self.amount = amount


def balance_rows(events):
    """R12: (original event, row, kind) of all rows that make up balances.

    kind: "invoiced", "forgiven" or "disbursed". AMBIGUITY B7: a FORGIVEN row counts when it or
    its original impacts the balance (tax that AWS owes never does); a row whose original is not
    known stands for itself."""
    bounced = failures(events)
    payouts = disbursements(events)
    for e in events.values():
        if e.parent_id in bounced or e.disbursement_id in bounced:
            continue  # reversal rows that hang on the failure are not counted again
        original = events.get(e.parent_id) if e.parent_id else None
        if e.action == "INVOICED" and e.balance_impacting:
            yield e, e, "invoiced"
        elif e.action == "FORGIVEN":
            if e.balance_impacting or (original is not None and original.balance_impacting):
                yield original or e, e, "forgiven"
        elif e.action == "DISBURSED" and e.disbursement_id in payouts:
            yield original or e, e, "disbursed"


def open_items(events, end):
    """R12: open amounts at the instant `end` (exclusive); those that are exactly 0 left out."""
    bounced_at = failure_times(events)
    sums = defaultdict(lambda: ZERO)
    originals = {}
    for original, row, kind in balance_rows(events):
        if row.valid_from >= end:
            continue
        if kind == "disbursed":
            failed = bounced_at.get(row.disbursement_id)
            if failed is not None and failed < end:
                continue
        amount, currency = row.balance_value(original)
        sums[original.id, currency] += amount
        originals[original.id] = original
    return [OpenItem(originals[key], currency, amount)
            for (key, currency), amount in sums.items() if amount != 0]


def sum_types(pairs, *types):
    """Exact sum of the amounts of (type, amount) pairs whose type is one of `types`."""
    return total(amount for kind, amount in pairs if kind in types)
