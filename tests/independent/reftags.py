"""Daily and Weekly Ref Tag reports (R26-R32). Knows visits, product pages and usage."""

import re
from collections import defaultdict
from datetime import timedelta

from disbursement import is_hours
from money import ZERO, date_cell, feed_cell, int_cell, money_cell, text_cell
from section import Report, Section, columns

DAILY = columns("""DATETIME_DAY | TITLE | PRODUCT_CODE | ASIN | REFTAG | CLICKS | CONVERSIONS |
    USAGE_HOURS | REVENUE""")
WEEKLY = columns("TITLE | PRODUCT_CODE | REFTAG | CLICKS | CONVERSIONS")

LOOKBACK_DAYS = 30  # R32 (setting)


class Visit:
    def __init__(self, row):
        self.at = row["occurred_at"]
        self.day = self.at.date()  # R26: UTC
        self.session = row.get("session_id")
        self.account = row.get("account_id")
        self.subscribes = row.get("event") == "subscribe_open"
        path = row.get("path") or ""
        page = re.search(r"/pp/([^/?#]+)", path)
        tag = re.search(r"ref=([^/?#]*)", path)  # R29: up to / ? or #
        self.asin = page[1] if page else None
        self.tag = tag[1] if tag and tag[1] else None


def visits(feeds):
    """R29: a visit without tag or product page is left out."""
    found = (Visit(row) for row in feeds.site_visit)
    return [v for v in found if v.tag is not None and v.asin is not None]


def clicks(found):
    """R27, R28: (day, tag, asin) -> [sessions, sessions with a subscribe_open]."""
    counts = defaultdict(lambda: (set(), set()))
    for v in found:
        sessions, conversions = counts[v.day, v.tag, v.asin]
        sessions.add(v.session)
        if v.subscribes:
            conversions.add(v.session)
    return counts


def pages(feeds):
    return {row["asin"]: row for row in feeds.product_page}


def attributed_usage(feeds, day):
    """R32: (tag, asin) -> {currency: [hours, revenue]} of the usage of one day.

    AMBIGUITY K1: hours of rows in hour units, revenue of all rows; K2: only visits with tag and
    page count as visits; K3: ties go to the bytewise smallest tag, then ASIN; K4: revenue in two
    currencies makes two rows (they never add), hours with the usage's own currency; clicks stand
    on the first of them, so that they add up over the rows."""
    page_of = pages(feeds)
    asins_of = defaultdict(set)
    for asin, page in page_of.items():
        asins_of[page.get("product_code")].add(asin)
    visits_of = defaultdict(list)
    earliest = day - timedelta(days=LOOKBACK_DAYS)
    for v in visits(feeds):
        if v.account is not None and earliest <= v.day <= day:
            visits_of[v.account].append(v)
    sums = defaultdict(lambda: defaultdict(lambda: [ZERO, ZERO]))
    for u in feeds.usage:
        if u["usage_date"].date() != day:
            continue
        product = feeds.products.latest(u.get("product_id")) or {}
        asins = asins_of.get(product.get("product_code"), ())
        candidates = [v for v in visits_of.get(u.get("end_user_account_id"), ()) if v.asin in asins]
        if not candidates:
            continue
        last = max(v.at for v in candidates)
        tag, asin = min((v.tag.encode(), v.asin) for v in candidates if v.at == last)
        cell = sums[tag.decode(), asin][u.get("pricing_currency")]
        if is_hours(u.get("usage_unit")):
            cell[0] += u.get("usage_quantity") or ZERO
        cell[1] += u.get("estimated_revenue_in_pricing_currency") or ZERO
    return sums


def daily(feeds, start):
    section = Section("Clicks and conversions", DAILY)
    day = start.date()
    page_of = pages(feeds)
    counts = clicks(v for v in visits(feeds) if v.day == day)
    usage = attributed_usage(feeds, day)
    for tag, asin in {key[1:] for key in counts} | set(usage):
        sessions, conversions = counts.get((day, tag, asin), ((), ()))
        page = page_of.get(asin, {})  # R30: an unknown ASIN stays, without title and code
        used = sorted(usage[tag, asin].items(), key=lambda u: (u[0] is None, u[0])) \
            if (tag, asin) in usage else [(None, (ZERO, ZERO))]
        for nth, (_, (hours, revenue)) in enumerate(used):
            section.add({
                "DATETIME_DAY": date_cell(start),
                "TITLE": text_cell(page.get("title")),
                "PRODUCT_CODE": text_cell(page.get("product_code")),
                "ASIN": text_cell(asin),
                "REFTAG": text_cell(tag),
                "CLICKS": int_cell(len(sessions) if nth == 0 else 0),
                "CONVERSIONS": int_cell(len(conversions) if nth == 0 else 0),
                "USAGE_HOURS": feed_cell(hours),
                "REVENUE": money_cell(revenue),
            })
    return Report("daily_reftag", "reftag_daily_breakdown_report", [section])


def weekly(feeds, start, end):
    """R31. AMBIGUITY K5: a product is its code; an ASIN that the page map lacks is a product of
    its own; of several page titles of one product the greatest is printed."""
    section = Section("Clicks and conversions", WEEKLY)
    page_of = pages(feeds)
    week = [v for v in visits(feeds) if start <= v.at < end
            and ("_ptnr_" in v.tag or v.tag.startswith("ads_"))]
    sums = defaultdict(lambda: [0, 0])
    for (_, tag, asin), (sessions, conversions) in clicks(week).items():
        code = page_of.get(asin, {}).get("product_code")
        key = (code, None, tag) if code is not None else (None, asin, tag)
        sums[key][0] += len(sessions)
        sums[key][1] += len(conversions)
    titles = defaultdict(list)
    for page in page_of.values():
        if page.get("title") is not None:
            titles[page.get("product_code")].append(page["title"])
    for (code, _, tag), (clicked, converted) in sums.items():
        section.add({
            "TITLE": text_cell(max(titles[code])) if titles.get(code) and code else "",
            "PRODUCT_CODE": text_cell(code),
            "REFTAG": text_cell(tag),
            "CLICKS": int_cell(clicked),
            "CONVERSIONS": int_cell(converted),
        })
    return Report("weekly_reftag", "weekly_reftag_report", [section])
