"""Disbursement report: what was paid out on a day, and what is still open at its end.

Rules R8-R14, R15, R20, R25, R33, R38. Knows billing events and parties; knows no file.
"""

from collections import defaultdict
from datetime import timedelta

import billing
from money import (ZERO, cents, date_cell, feed_cell, int_cell, money_cell, month_cell, text_cell,
                   time_cell, total)
from parties import Parties
from section import Report, Section, columns

# AMBIGUITY D9: R14 says "disbursement sections 1-6 ... with a last column Currency": all six.
BY_PRODUCT = columns("""Product | Product Code | SellerRev | AWSRefFee | SellerRevRefund |
    AWSRefFeeRefund | SellerRevCredit | AWSRefFeeCredit | Net Amount | Transaction Reference ID |
    SellerUSSalesTax | SellerUSSalesTaxRefund | Customer AWS Account Number | Customer Country |
    Customer State | Customer City | Customer Zip Code | Customer Email Domain | Solution Title |
    Solution ID | Payer Reference ID | Payer Address ID | Currency""")
GEOGRAPHY = columns("""Settlement ID | Settlement Period Start Date | Settlement Period End Date |
    Deposit Date | Disbursed Amount | Country Code | State or Region | City | Postal Code |
    Net Amount by Tax Location | Gross Amount by Tax Location | Seller U.S. Sales Tax |
    Seller U.S. Sales Tax Refund | Currency""")
HOURS = columns("""Product | Product Code | Usage Type Description | Rate | User Count |
    Instance Hours | Solution Title | Solution ID | Currency""")
BREAKDOWN = columns("""Payer AWS Account Number | Product Code | Gross Revenue | AWS Revenue Share |
    Gross Refunds | AWS Refunds Share | Net Revenue | Currency | AR Period |
    Transaction Reference ID | Opportunity Name | Opportunity Description | Solution Title |
    Solution ID | Payer Reference ID | Payer Address ID | Payment Due date""")

AGES = ["< 31", "31-60", "61-90", "91-120", "> 120"]


def age_columns(label, suffix):
    return [f"{label} ({age}{suffix})" for age in AGES] + [f"{label} (overall)", "Currency"]


UNCOLLECTED = age_columns("Uncollected", " days pending")
COLLECTED = age_columns("Collected", " days pending")
PAST_DUE = age_columns("Past Due", " days")

SIX = [
    ("SellerRev", "SELLER_REV_SHARE"),
    ("AWSRefFee", "AWS_REV_SHARE"),
    ("SellerRevRefund", "SELLER_REV_SHARE_REFUND"),
    ("AWSRefFeeRefund", "AWS_REV_SHARE_REFUND"),
    ("SellerRevCredit", "SELLER_REV_SHARE_CREDIT"),
    ("AWSRefFeeCredit", "AWS_REV_SHARE_CREDIT"),
]
SIX_TYPES = [kind for _, kind in SIX]
TAX, TAX_REFUND = "SELLER_TAX_SHARE", "SELLER_TAX_SHARE_REFUND"

HOUR_UNITS = {"h", "hour", "hours", "hr", "hrs"}


def is_hours(unit):
    return unit is not None and unit.strip().lower() in HOUR_UNITS


def report(feeds, tick, sharing):
    """R33: on the tick three days after a day D with disbursements, one report for all of D's."""
    day = tick - timedelta(days=3)
    end = day + timedelta(days=1)
    parties = Parties(feeds, sharing)
    events = billing.load_events(feeds)
    payouts = {e.id: e for e in billing.disbursements(events).values()
               if e.own_invoice_date is not None and day <= e.own_invoice_date < end}
    if not payouts:
        return Report("disbursement", "disbursement_report", [])
    lines = [e for e in events.values()
             if e.action == "DISBURSED" and e.disbursement_id in payouts]
    open_now = billing.open_items(events, end)
    return Report("disbursement", "disbursement_report", [
        by_product(lines, parties),
        by_geography(lines, payouts, events, parties),
        by_instance_hours(lines, feeds, parties),
        age_of_uncollected(open_now, day),
        age_of_disbursed(lines, payouts, events),
        age_of_past_due(open_now, day),
        breakdown(open_now, parties),
    ])


# -- what was disbursed -----------------------------------------------------------


class Group:
    """The disbursed rows of one reference × product × disbursement × end user × bank trace × currency."""

    def __init__(self, rows, parties):
        self.first = rows[0]
        # Disbursed rows carry the opposite sign of what they pay out.
        pairs = [(e.type, -e.disbursement_value()[0]) for e in rows]
        self.sums = {name: billing.sum_types(pairs, kind) for name, kind in SIX}
        self.tax = billing.sum_types(pairs, TAX)
        self.tax_refund = billing.sum_types(pairs, TAX_REFUND)
        self.payer = billing.payer_of(rows)
        self.account = parties.account(self.payer)  # R5: latest
        self.address_id = parties.address_id(self.account, billing.billing_address_of(rows))
        self.address = parties.address(self.address_id)
        self.currency = self.first.disbursement_value()[1]


def disbursed_groups(lines, parties):
    key = lambda e: (e.reference, e.product, e.disbursement_id, e.end_user,
                     e.row.get("bank_trace_id"), e.disbursement_value()[1])
    return [Group(rows, parties) for rows in billing.group_by(lines, key).values()]


def by_product(lines, parties):
    """AMBIGUITY D10: no rule leaves rows out here, so a group of other types alone (a balance
    adjustment) prints as a row of zeros."""
    section = Section("Disbursed amount by product", BY_PRODUCT)
    for g in disbursed_groups(lines, parties):
        product = parties.product(g.first.product)
        rounded = {name: cents(amount) for name, amount in g.sums.items()}
        section.add({name: money_cell(amount) for name, amount in rounded.items()} | {
            "Product": text_cell(product.get("title")),
            "Product Code": text_cell(product.get("product_code")),
            "Net Amount": money_cell(total(rounded.values())),  # R8
            "Transaction Reference ID": text_cell(g.first.reference),
            "SellerUSSalesTax": money_cell(g.tax),
            "SellerUSSalesTaxRefund": money_cell(g.tax_refund),
            "Customer AWS Account Number": parties.number(g.account),
            "Customer Country": text_cell(g.address.get("country_code")),
            "Customer State": text_cell(g.address.get("state_or_region")),
            "Customer City": text_cell(g.address.get("city")),
            "Customer Zip Code": text_cell(g.address.get("postal_code")),
            "Customer Email Domain": parties.email_domain(g.address),
            "Payer Reference ID": text_cell(g.payer),
            "Payer Address ID": text_cell(g.address_id),
            "Currency": text_cell(g.currency),
        })
    return section


def by_geography(lines, payouts, events, parties):
    """R20; R8: rounded after the sum per location. AMBIGUITY D1: Gross Amount = SellerRev;
    Net Amount = the six columns; neither holds tax. D2: the location is the payer's address
    of each by-product row."""
    section = Section("Disbursed amount by customer geography", GEOGRAPHY)
    places = defaultdict(list)
    for g in disbursed_groups(lines, parties):
        place = tuple(g.address.get(c)
                      for c in ("country_code", "state_or_region", "city", "postal_code"))
        places[g.first.disbursement_id, g.currency, place].append(g)
    starts = {id: previous_disbursement(payout, events) for id, payout in payouts.items()}
    for (disbursement_id, currency, place), groups in places.items():
        payout, start = payouts[disbursement_id], starts[disbursement_id]
        section.add({
            "Settlement ID": text_cell(disbursement_id),
            "Settlement Period Start Date": time_cell(start),
            "Settlement Period End Date": time_cell(payout.own_invoice_date),
            "Deposit Date": time_cell(payout.own_invoice_date),
            "Disbursed Amount": money_cell(payout.disbursement_value()[0]),
            "Country Code": text_cell(place[0]),
            "State or Region": text_cell(place[1]),
            "City": text_cell(place[2]),
            "Postal Code": text_cell(place[3]),
            "Net Amount by Tax Location": money_cell(total(
                amount for g in groups for amount in g.sums.values())),
            "Gross Amount by Tax Location": money_cell(total(g.sums["SellerRev"] for g in groups)),
            "Seller U.S. Sales Tax": money_cell(total(g.tax for g in groups)),
            "Seller U.S. Sales Tax Refund": money_cell(total(g.tax_refund for g in groups)),
            "Currency": text_cell(currency),
        })
    return section


def previous_disbursement(payout, events):
    """R20. AMBIGUITY D3: strictly earlier, in the disbursement's currency, bounced or not."""
    currency = payout.disbursement_value()[1]
    earlier = [e.own_invoice_date for e in billing.disbursements(events).values()
               if e.disbursement_value()[1] == currency and e.own_invoice_date is not None
               and e.own_invoice_date < payout.own_invoice_date]
    return max(earlier) if earlier else None


def by_instance_hours(lines, feeds, parties):
    """R38. AMBIGUITY D4: usage is matched by product and day alone, each usage row once; the
    description is the whole charge item description, else region and dimension; a row without
    hour units stays, with an empty Instance Hours; periods include both end days."""
    section = Section("Disbursed amount by instance hours", HOURS)
    periods = defaultdict(set)
    for e in lines:
        start, end = e.row.get("usage_period_start_date"), e.row.get("usage_period_end_date")
        if e.type == billing.SELLER_REV and start is not None and end is not None:
            periods[e.product].add((start.date(), end.date()))
    groups = defaultdict(list)
    for u in feeds.usage:
        day = u["usage_date"].date()
        if any(start <= day <= end for start, end in periods.get(u["product_id"], ())):
            groups[u["product_id"], usage_type(u),
                   u.get("usage_rate_per_unit_in_pricing_currency"),
                   u.get("pricing_currency")].append(u)
    for (product_id, description, rate, currency), rows in groups.items():
        product = parties.product(product_id)
        hours = [u["usage_quantity"] for u in rows
                 if is_hours(u.get("usage_unit")) and u.get("usage_quantity") is not None]
        users = {u.get("end_user_account_id") for u in rows} - {None}
        section.add({
            "Product": text_cell(product.get("title")),
            "Product Code": text_cell(product.get("product_code")),
            "Usage Type Description": text_cell(description),
            "Rate": feed_cell(rate),
            "User Count": int_cell(len(users)),
            "Instance Hours": feed_cell(total(hours)) if hours else "",
            "Currency": text_cell(currency),
        })
    return section


def usage_type(u):
    return u.get("charge_item_description") or " | ".join(
        t for t in (u.get("region"), u.get("dimension_key")) if t is not None)


# -- ages (R13) ---------------------------------------------------------------------


def bucket(days):
    if days < 31:
        return 0
    if days <= 60:
        return 1
    if days <= 90:
        return 2
    if days <= 120:
        return 3
    return 4


def age_row(section, amounts, currency):
    """Each bucket rounded, overall = the sum of the rounded buckets (R14)."""
    rounded = [cents(a) for a in amounts]
    cells = [money_cell(a) for a in rounded] + [money_cell(total(rounded)), text_cell(currency)]
    section.add(dict(zip(section.header, cells)))


def age_of_uncollected(open_now, day):
    return age_section("Age of uncollected funds", UNCOLLECTED, open_now, day)


def age_of_past_due(open_now, day):
    """R13. AMBIGUITY D5: the buckets of past due funds, too, count days since the invoice date
    (the seller guide: "accrued in the last 31-60 days and are due"); due is the event's own."""
    late = [i for i in open_now if i.event.own_due is not None
            and (day.date() - i.event.own_due.date()).days >= 1]
    return age_section("Age of past due funds", PAST_DUE, late, day)


def age_section(title, header, items, day):
    """AMBIGUITY D6: a currency has a row when something in it is open."""
    section = Section(title, header)
    by_currency = defaultdict(lambda: [ZERO] * 5)
    for item in items:
        age = (day.date() - item.event.billed_on()).days
        by_currency[item.currency][bucket(age)] += item.amount
    for currency, amounts in by_currency.items():
        age_row(section, amounts, currency)
    return section


def age_of_disbursed(lines, payouts, events):
    """R14: one row per disbursement and currency, age at the disbursement date. AMBIGUITY D7:
    all disbursed types count, tax too; the age is that of the original event where known."""
    section = Section("Age of disbursed funds", COLLECTED)
    sums = defaultdict(lambda: [ZERO] * 5)
    for e in lines:
        payout = payouts[e.disbursement_id]
        original = events.get(e.parent_id, e) if e.parent_id else e
        age = (payout.own_invoice_date.date() - original.billed_on()).days
        amount, currency = e.disbursement_value()
        sums[payout.id, currency][bucket(age)] += -amount
    for (_, currency), amounts in sums.items():
        age_row(section, amounts, currency)
    return section


# -- what is open, row by row (R15) ---------------------------------------------------


def breakdown(open_now, parties):
    section = Section("Uncollected funds breakdown", BREAKDOWN)
    groups = defaultdict(list)
    for item in open_now:
        e = item.event
        groups[e.reference, e.product, e.end_user, item.currency,
               date_cell(e.due), month_cell(e.invoice_date)].append(item)
    for (reference, product_id, _, currency, due, period), items in groups.items():
        pairs = [(i.event.type, i.amount) for i in items]
        gross = cents(billing.sum_types(pairs, "SELLER_REV_SHARE"))
        fee = cents(billing.sum_types(pairs, "AWS_REV_SHARE"))
        refunds = cents(billing.sum_types(pairs, "SELLER_REV_SHARE_REFUND",
                                          "SELLER_REV_SHARE_CREDIT"))
        fee_refunds = cents(billing.sum_types(pairs, "AWS_REV_SHARE_REFUND",
                                              "AWS_REV_SHARE_CREDIT"))
        if not any((gross, fee, refunds, fee_refunds)):
            continue  # AMBIGUITY D8: "all-zero" is meant of the printed cells
        events = [i.event for i in items]
        payer = billing.payer_of(events)
        account = parties.account(payer)
        address_id = parties.address_id(account, billing.billing_address_of(events))
        agreement = parties.agreement_at(billing.agreement_of(events),
                                         billing.invoice_date_of(events))
        offer = parties.offer(billing.offer_of(events, agreement))
        section.add({
            "Payer AWS Account Number": parties.number(account),
            "Product Code": text_cell(parties.product(product_id).get("product_code")),
            "Gross Revenue": money_cell(gross),
            "AWS Revenue Share": money_cell(fee),
            "Gross Refunds": money_cell(refunds),
            "AWS Refunds Share": money_cell(fee_refunds),
            "Net Revenue": money_cell(gross + fee + refunds + fee_refunds),
            "Currency": text_cell(currency),
            "AR Period": period,
            "Transaction Reference ID": text_cell(reference),
            "Opportunity Name": text_cell(offer.get("opportunity_name")),
            "Opportunity Description": text_cell(offer.get("opportunity_description")),
            "Payer Reference ID": text_cell(payer),
            "Payer Address ID": text_cell(address_id),
            "Payment Due date": due,
        })
    return section
