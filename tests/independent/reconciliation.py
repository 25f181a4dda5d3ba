"""Balances per reference and currency: the roll-forward of a month and what is open at its end (R10-R12).

The layout of the printed report is not derived here; only its figures are.
"""

from collections import defaultdict

import billing
from money import ZERO, total

MOVES = ("billed", "refunded", "credited", "forgiven", "disbursed", "failed")


class Balance:
    def __init__(self):
        self.opening = ZERO
        self.closing = ZERO
        for move in MOVES:
            setattr(self, move, ZERO)

    def gap(self):
        """opening + billed - refunded - credited - forgiven - disbursed + failed - closing: 0 when it rolls."""
        return (self.opening + self.billed - self.refunded - self.credited - self.forgiven
                - self.disbursed + self.failed - self.closing)


def balances(feeds, start, end):
    """(transaction reference, currency) -> Balance of the interval [start, end).

    Movements are dated by valid_from (R12), amounts are R25's; refunded, credited, forgiven and
    disbursed are positive where they lessen the balance. Tax and fees are inside their kind."""
    events = billing.load_events(feeds)
    found = defaultdict(Balance)
    for t, side in ((start, "opening"), (end, "closing")):
        for item in billing.open_items(events, t):
            balance = found[item.event.reference, item.currency]
            setattr(balance, side, getattr(balance, side) + item.amount)
    bounced_at = billing.failure_times(events)
    for original, row, kind in billing.balance_rows(events):
        amount, currency = row.balance_value(original)
        balance = found[original.reference, currency]
        if start <= row.valid_from < end:
            if kind == "disbursed":
                balance.disbursed -= amount
            elif kind == "forgiven":
                balance.forgiven -= amount
            elif row.type.endswith("_REFUND"):
                balance.refunded -= amount
            elif row.type.endswith("_CREDIT"):
                balance.credited -= amount
            else:
                balance.billed += amount
        if kind == "disbursed" and row.disbursement_id in bounced_at:
            failed = max(bounced_at[row.disbursement_id], row.valid_from)
            if start <= failed < end:
                balance.failed -= amount
    return dict(found)


def broken(found):
    return {key: b.gap() for key, b in found.items() if b.gap() != 0}


def without_bank_trace(feeds):
    """Disbursements that name no bank trace id."""
    return [e.id for e in billing.disbursements(billing.load_events(feeds)).values()
            if e.row.get("bank_trace_id") is None]


def summary(feeds, start, end):
    """Lines for people: totals per currency and the references that do not roll."""
    found = balances(feeds, start, end)
    per_currency = defaultdict(list)
    for (_, currency), balance in found.items():
        per_currency[currency].append(balance)
    for currency, group in sorted(per_currency.items(), key=lambda p: p[0] or ""):
        figures = " ".join(f"{name}={total(getattr(b, name) for b in group)}"
                           for name in ("opening", *MOVES, "closing"))
        yield f"{currency}: {len(group)} references {figures}"
    gaps = broken(found)
    yield f"references that do not roll forward: {len(gaps)}"
    for (reference, currency), gap in sorted(gaps.items(), key=str)[:20]:
        yield f"  {reference} {currency}: off by {gap}"
    lost = without_bank_trace(feeds)
    yield f"disbursements without a bank trace id: {len(lost)}"
