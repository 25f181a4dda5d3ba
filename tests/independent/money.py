"""Exact sums, the one rounding, and how a printed cell looks (rules R7, R7a, DESIGN "Reports").

Knows no feed and no report.
"""

from decimal import ROUND_HALF_UP, Decimal, getcontext

getcontext().prec = 120  # far beyond any sum of feed amounts: additions are exact

CENT = Decimal("0.01")
ZERO = Decimal(0)


def total(values):
    """The exact sum; nulls count nothing."""
    s = ZERO
    for v in values:
        if v is not None:
            s += v
    return s


def cents(x):
    """R7: HALF_UP (half away from zero) to two decimals, once."""
    r = x.quantize(CENT, rounding=ROUND_HALF_UP)
    return abs(r) if r == 0 else r


def money_cell(x):
    """Exactly two digits, in every currency (R7a)."""
    return "" if x is None else f"{cents(x):.2f}"


def feed_cell(x):
    """The digits of the feed, without trailing zeros."""
    if x is None:
        return ""
    if x == 0:
        return "0"
    text = format(x, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def text_cell(x):
    """Null is empty; a text that a spreadsheet would take for a formula gets a leading '."""
    if x is None:
        return ""
    return "'" + x if x[:1] in ("=", "+", "-", "@", "\t", "\r") else x


def int_cell(x):
    return "" if x is None else str(x)


def date_cell(t):
    return "" if t is None else t.strftime("%Y-%m-%d")


def time_cell(t):
    return "" if t is None else t.strftime("%Y-%m-%dT%H:%M:%SZ")


def month_cell(t):
    return "" if t is None else t.strftime("%Y-%m")
