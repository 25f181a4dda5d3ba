"""The reconciliation: balances per reference and month, what is open by age, what does not tie, disbursements (R45-R47).

Derived from the rules alone; knows the billing event feed.
"""

from collections import defaultdict
from datetime import timedelta

import billing
from money import ZERO, feed_cell, int_cell, text_cell, time_cell, total
from section import Report, Section, columns

MOVES = ("billed", "refunded", "credited", "forgiven", "disbursed", "failed")
PARTS = ("gross_revenue", "cost", "aws_listing_fee", "tax")

BY_REFERENCE = columns("""Transaction Reference ID | Currency | Opening | Billed | Refunded | Credited
    | Forgiven | Disbursed | Failed | Closing | Difference | Gross Revenue | Cost | AWS Listing Fee | Tax""")
BY_MONTH = columns("""Month | Currency | Opening | Billed | Refunded | Credited | Forgiven | Disbursed
    | Failed | Closing | Tax""")
BY_AGE = columns("""Currency | Closing | Uncollected (< 31 days) | Uncollected (31-60 days)
    | Uncollected (61-90 days) | Uncollected (91-120 days) | Uncollected (> 120 days)
    | Uncollected (overall) | Difference""")
UNTIED = columns("Transaction Reference ID | Settlement ID | Currency | Reason | Lines | Amount")
PAID = columns("""Settlement ID | Bank Trace ID | Deposit Date | Currency | Disbursed Amount | Lines
    | Sum of Lines | Difference | Foreign Lines | Lines With Other Bank Trace ID | Failure Date""")


class Balance:
    def __init__(self):
        self.opening = ZERO
        self.closing = ZERO
        self.moved = False
        for name in MOVES + PARTS:
            setattr(self, name, ZERO)

    def add(self, name, amount):
        setattr(self, name, getattr(self, name) + amount)
        self.moved = True

    def gap(self):
        """opening + billed - refunded - credited - forgiven - disbursed + failed - closing: 0 when it rolls."""
        return (self.opening + self.billed - self.refunded - self.credited - self.forgiven
                - self.disbursed + self.failed - self.closing)


class Movement:
    """A row that moves what is open of an event, in the currency of R25."""

    def __init__(self, original, row, kind, bounced_at):
        self.original, self.row, self.kind = original, row, kind
        self.amount, self.currency = row.balance_value(original)
        self.at = row.valid_from
        self.failed = None
        if kind == "disbursed" and row.disbursement_id in bounced_at:
            self.failed = max(bounced_at[row.disbursement_id], self.at)

    def counts(self, t):
        """Whether it counts at the instant t (exclusive)."""
        return self.at < t and not (self.failed is not None and self.failed < t)


def movements(events):
    bounced_at = billing.failure_times(events)
    return [Movement(original, row, kind, bounced_at)
            for original, row, kind in billing.balance_rows(events)]


def move(balance, m):
    """What a movement did to a balance, on the day it counts from."""
    if m.kind in ("disbursed", "forgiven"):
        balance.add(m.kind, -m.amount)
    elif m.row.type.endswith("REFUND"):
        balance.add("refunded", -m.amount)
    elif m.row.type.endswith("CREDIT"):
        balance.add("credited", -m.amount)
    else:
        balance.add("billed", m.amount)
        part = part_of(m.row)
        if part:
            balance.add(part, m.amount)


def part_of(event):
    if event.type == billing.SELLER_REV:
        return "cost" if event.is_resale_cost() else "gross_revenue"
    if event.type == billing.FEE:
        return "aws_listing_fee"
    return "tax" if event.type.endswith("TAX_SHARE") else None


def balances(moves, start, end, key):
    """key(movement) -> Balance of the interval [start, end)."""
    found = defaultdict(Balance)
    for m in moves:
        balance = found[key(m)]
        if m.counts(start):
            balance.opening += m.amount
        if m.counts(end):
            balance.closing += m.amount
        if start <= m.at < end:
            move(balance, m)
        if m.failed is not None and start <= m.failed < end:
            balance.add("failed", -m.amount)
    return found


def of_reference(m):
    return m.original.reference, m.currency


def cells(header, balance):
    names = {"Opening": "opening", "Closing": "closing"}
    names.update((name.replace("_", " ").title().replace("Aws", "AWS"), name) for name in MOVES + PARTS)
    return {h: feed_cell(getattr(balance, names[h])) for h in header if h in names}


def by_reference(moves, start, end):
    section = Section("By transaction reference", BY_REFERENCE)
    for (reference, currency), b in balances(moves, start, end, of_reference).items():
        if b.moved:
            section.add({"Transaction Reference ID": text_cell(reference), "Currency": currency,
                         "Difference": feed_cell(b.gap()), **cells(BY_REFERENCE, b)})
    return section


def months(first, end):
    while first < end:
        after = (first + timedelta(days=32)).replace(day=1)
        yield first, after
        first = after


def by_month(moves, end):
    section = Section("Roll-forward by month", BY_MONTH)
    if not moves:
        return section
    first = min(m.at for m in moves).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for start, after in months(first, end):
        for currency, b in balances(moves, start, after, lambda m: m.currency).items():
            if b.moved:
                section.add({"Month": f"{start:%Y-%m}", "Currency": currency, **cells(BY_MONTH, b)})
    return section


def by_age(moves, end):
    """R13, R45. The closing is what the movements leave, the ages are those of the open events."""
    closing, open_of, event_of = defaultdict(lambda: ZERO), defaultdict(lambda: ZERO), {}
    for m in moves:
        if m.counts(end):
            closing[m.currency] += m.amount
            open_of[m.original.id, m.currency] += m.amount
            event_of[m.original.id] = m.original
    last_day = (end - timedelta(days=1)).date()
    buckets = defaultdict(lambda: [ZERO] * 5)
    for (event, currency), amount in open_of.items():
        age = (last_day - event_of[event].billed_on()).days
        buckets[currency][0 if age < 31 else min((age - 1) // 30, 4)] += amount
    section = Section("Closing against the age of uncollected funds", BY_AGE)
    for currency, amount in closing.items():
        overall = total(buckets[currency])
        row = dict(zip(BY_AGE[2:7], map(feed_cell, buckets[currency])))
        section.add({"Currency": currency, "Closing": feed_cell(amount), **row,
                     "Uncollected (overall)": feed_cell(overall), "Difference": feed_cell(amount - overall)})
    return section


# -- what does not tie (R46) -------------------------------------------------------------


def overdrawn(moves, end):
    """(reference, settlement, currency, reason, amounts) by event and currency."""
    groups = defaultdict(list)
    for m in moves:
        if m.counts(end):
            groups[m.original.id, m.currency].append(m)
    invoiced = {event for (event, _), group in groups.items() if any(m.kind == "invoiced" for m in group)}
    for (event, currency), group in groups.items():
        amounts = [m.amount for m in group]
        left = total(amounts)
        sold = [m.amount for m in group if m.kind == "invoiced"]
        if left == 0 or left * total(sold) > 0:
            continue
        if sold:
            reason = "more paid or forgiven than invoiced"
        elif event in invoiced:
            reason = "paid or forgiven in another currency than invoiced"
        else:
            reason = "paid or forgiven without an invoiced event"
        yield group[0].original.reference, None, currency, reason, amounts


class Payments:
    """Disbursements, their lines and failures; due: dated before the end of the month."""

    def __init__(self, events, end):
        self.events = events
        self.end = end
        self.payouts = billing.disbursements(events)
        self.failures = billing.failures(events)
        self.lines = defaultdict(list)
        for e in events.values():
            if e.action == "DISBURSED" and e.disbursement_id and not e.type.startswith("DISBURSEMENT"):
                self.lines[e.disbursement_id].append(e)

    def due(self, event):
        return event.valid_from < self.end

    def reference(self, line):
        """R10: that of the event it hangs on; else its own."""
        original = self.events.get(line.parent_id)
        return (original.reference if original else None) or line.reference

    def unknown(self):
        groups = defaultdict(list)
        for settlement, lines in self.lines.items():
            if settlement not in self.payouts and settlement not in self.failures:
                for line in filter(self.due, lines):
                    amount, currency = line.disbursement_value()
                    groups[self.reference(line), settlement, currency].append(amount)
        for (reference, settlement, currency), amounts in groups.items():
            yield reference, settlement, currency, "paid by a disbursement that is not known", amounts

    def unequal(self):
        for payout in filter(self.due, self.payouts.values()):
            for currency, amounts in by_currency([payout] + self.lines[payout.id]):
                if total(amounts) != 0:
                    yield None, payout.id, currency, "disbursement differs from the sum of its lines", amounts

    def traces(self):
        for payout in filter(self.due, self.payouts.values()):
            trace = payout.row.get("bank_trace_id")
            if trace is None:
                amount, currency = payout.disbursement_value()
                yield None, payout.id, currency, "disbursement without a bank trace id", [amount]
                continue
            groups = defaultdict(list)
            for line in self.lines[payout.id]:
                if line.row.get("bank_trace_id") not in (None, trace):
                    amount, currency = line.disbursement_value()
                    groups[self.reference(line), currency].append(amount)
            for (reference, currency), amounts in groups.items():
                yield (reference, payout.id, currency,
                       "paid under another bank trace id than its disbursement", amounts)

    def failed(self):
        of_payout = defaultdict(list)
        lost = defaultdict(list)
        for failure in filter(self.due, self.failures.values()):
            if failure.parent_id in self.payouts:
                of_payout[failure.parent_id].append(failure)
            else:
                amount, currency = failure.disbursement_value()
                lost[failure.parent_id, currency].append(amount)
        for (settlement, currency), amounts in lost.items():
            yield None, settlement, currency, "failure of a disbursement that is not known", amounts
        for settlement, failures in of_payout.items():
            for currency, amounts in by_currency([self.payouts[settlement]] + failures):
                if total(amounts) != 0:
                    yield None, settlement, currency, "failure differs from its disbursement", amounts
            turned = [line for failure in failures for line in self.lines[failure.id]]
            if turned:
                yield from self.not_turned(settlement, turned)

    def not_turned(self, settlement, turned):
        groups = defaultdict(list)
        for line in turned + self.lines[settlement]:
            amount, currency = line.disbursement_value()
            groups[self.reference(line), currency].append(amount)
        for (reference, currency), amounts in groups.items():
            if total(amounts) != 0:
                yield reference, settlement, currency, "failed and not turned round in full", amounts


def by_currency(events):
    groups = defaultdict(list)
    for e in events:
        amount, currency = e.disbursement_value()
        groups[currency].append(amount)
    return groups.items()


def untied(events, moves, end):
    payments = Payments(events, end)
    groups = defaultdict(list)
    for found in (overdrawn(moves, end), payments.unknown(), payments.unequal(), payments.traces(),
                  payments.failed()):
        for reference, settlement, currency, reason, amounts in found:
            groups[reference, settlement, currency, reason].extend(amounts)
    section = Section("References and disbursements that do not tie", UNTIED)
    for (reference, settlement, currency, reason), amounts in groups.items():
        section.add({"Transaction Reference ID": text_cell(reference), "Settlement ID": text_cell(settlement),
                     "Currency": currency, "Reason": reason, "Lines": int_cell(len(amounts)),
                     "Amount": feed_cell(total(amounts))})
    return section


def paid(events, start, end):
    """R47."""
    payments = Payments(events, end)
    bounced_at = billing.failure_times(events)
    section = Section("Disbursements", PAID)
    for payout in payments.payouts.values():
        made, failed = payout.own_invoice_date, bounced_at.get(payout.id)
        if not any(t is not None and start <= t < end for t in (made, failed)):
            continue
        amount, currency = payout.disbursement_value()
        trace = payout.row.get("bank_trace_id")
        lines = payments.lines[payout.id]
        values = [line.disbursement_value() for line in lines]
        came_to = -total(a for a, c in values if c == currency)
        section.add({
            "Settlement ID": text_cell(payout.id), "Bank Trace ID": text_cell(trace),
            "Deposit Date": time_cell(made), "Currency": currency, "Disbursed Amount": feed_cell(amount),
            "Lines": int_cell(len(lines)), "Sum of Lines": feed_cell(came_to),
            "Difference": feed_cell(amount - came_to),
            "Foreign Lines": int_cell(sum(c != currency for _, c in values)),
            "Lines With Other Bank Trace ID": int_cell(sum(
                line.row.get("bank_trace_id") not in (None, trace) for line in lines)),
            "Failure Date": time_cell(failed if failed is not None and failed < end else None)})
    return section


def report(feeds, start, end):
    events = billing.load_events(feeds)
    moves = movements(events)
    return Report("reconciliation", "reconciliation", [
        by_reference(moves, start, end), by_month([m for m in moves if m.at < end], end),
        by_age(moves, end), untied(events, moves, end), paid(events, start, end)])
