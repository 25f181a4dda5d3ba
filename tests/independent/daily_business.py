"""Daily Business report, six sections (R5, R19, R23, R34, R35, R40). Knows usage, fees and agreements."""

from collections import defaultdict
from datetime import timedelta

import billing
from money import (date_cell, feed_cell, int_cell, money_cell, text_cell, total)
from parties import Parties, last_instant_of, term_dimension, term_quantity
from section import Report, Section, columns

USAGE = columns("""Customer Reference ID | User's State | User's Country | Product Title |
    Product Code | Instance Type | Usage Units | Usage Unit Type | Offering Description |
    Estimated Revenue | Currency | Offer ID | Offer Visibility | Customer AWS Account Number |
    Customer Country | Customer State | Customer City | Customer Zip Code | Customer Email Domain |
    Solution Title | Solution ID | Payer Reference ID | Payer Address ID""")
FEES = columns("""Customer Reference ID | User's State | User's Country | Product Title |
    Product Code | Amount | Currency | Fee Description | Customer AWS Account Number |
    Customer Country | Customer State | Customer City | Customer Zip Code | Customer Email Domain |
    Start Date | End Date | Quantity | Dimension | Solution Title | Solution ID |
    Payer Reference ID | Payer Address ID""")
TRIALS = columns("""Product Title | Product Code | New Free Trials | Total Current Free Trials |
    Converted Free Trials | Non-Converted Free Trials | Solution Title | Solution ID""")
INSTANCES = columns("""Customer Reference ID | User's State | User's Country | Product Title |
    Product Code | Type | Count | Customer AWS Account Number | Customer Country | Customer State |
    Customer City | Customer Zip Code | Customer Email Domain | Solution Title | Solution ID |
    Payer Reference ID | Payer Address ID""")
NEW = columns("""Customer Reference ID | User's State | User's Country | Product Title |
    Product Code | Offer ID | Offer Visibility | Customer Country | Customer State |
    Customer City | Customer Zip Code | Customer Email Domain | Solution Title | Solution ID |
    Payer Reference ID | Payer Address ID""")
CANCELED = columns("""Customer Reference ID | User's State | User's Country | Product Title |
    Product Code | Subscribed Date | Offer ID | Offer Visibility | Customer AWS Account Number |
    Customer Country | Customer State | Customer City | Customer Zip Code | Customer Email Domain |
    Solution Title | Solution ID | Payer Reference ID | Payer Address ID""")

NOT_NEW = {"RENEW", "RENEWAL", "REPLACE", "REPLACEMENT", "AMEND", "AMENDMENT"}
CANCELED_STATUSES = {"CANCELLED", "TERMINATED", "EXPIRED"}


def report(feeds, start, end, sharing):
    parties = Parties(feeds, sharing)
    return Report("daily_business", "daily_business_report", [
        usage_by_instance_type(feeds, start, parties),
        fees(feeds, end - timedelta(days=3), parties),  # the 24 hours that began 72 h ago
        free_trials(feeds, start, end, parties),
        new_instances(feeds, start, end, parties),
        new_subscribers(feeds, start, end, parties),
        canceled_subscribers(feeds, start, end, parties),
    ])


# -- cells that several sections share ---------------------------------------------


def user_cells(account_id, account, address):
    return {
        "Customer Reference ID": text_cell(account_id),
        "User's State": text_cell(address.get("state_or_region")),
        "User's Country": text_cell(address.get("country_code")),
    }


def product_cells(product):
    return {
        "Product Title": text_cell(product.get("title")),
        "Product Code": text_cell(product.get("product_code")),
    }


def payer_cells(account_id, account, address_id, parties):
    address = parties.address(address_id)
    return {
        "Customer AWS Account Number": parties.number(account),
        "Customer Country": text_cell(address.get("country_code")),
        "Customer State": text_cell(address.get("state_or_region")),
        "Customer City": text_cell(address.get("city")),
        "Customer Zip Code": text_cell(address.get("postal_code")),
        "Customer Email Domain": parties.email_domain(address),
        "Payer Reference ID": text_cell(account_id),
        "Payer Address ID": text_cell(address_id),
    }


# -- 1: usage ------------------------------------------------------------------------


def usage_by_instance_type(feeds, start, parties):
    """R23. AMBIGUITY U1: the offering description is the first part of the charge item
    description (`term | region | dimension`); the first in byte order of the row's usage."""
    section = Section("Usage by instance type", USAGE)
    groups = defaultdict(list)
    for u in feeds.usage:
        if u["usage_date"].date() == start.date():
            groups[tuple(u.get(c) for c in (
                "usage_date", "end_user_account_id", "product_id", "dimension_key", "usage_unit",
                "offer_id", "pricing_currency", "payer_account_id"))].append(u)
    day_end = last_instant_of(start)
    for key, rows in groups.items():
        _, user, product_id, dimension, unit, offer_id, currency, payer = key
        user_account = parties.account(user, day_end)  # R5: as of the end of the usage day
        payer_account = parties.account(payer, day_end)
        terms = (u["charge_item_description"].split("|")[0].strip()
                 for u in rows if u.get("charge_item_description"))
        section.add(
            user_cells(user, user_account, parties.address(parties.address_id(user_account)))
            | product_cells(parties.product(product_id))
            | payer_cells(payer, payer_account, parties.address_id(payer_account), parties)
            | {
                "Instance Type": text_cell(dimension),
                "Usage Units": feed_cell(total(u.get("usage_quantity") for u in rows)),
                "Usage Unit Type": text_cell(unit),
                "Offering Description": text_cell(min(terms, key=str.encode, default=None)),
                "Estimated Revenue": money_cell(total(
                    u.get("estimated_revenue_in_pricing_currency") for u in rows)),
                "Currency": text_cell(currency),
                "Offer ID": text_cell(offer_id),
                "Offer Visibility": parties.offer_visibility(offer_id),
            })
    return section


# -- 2: fees --------------------------------------------------------------------------

FEE_TYPES = {"SELLER_REV_SHARE": None, "SELLER_REV_SHARE_REFUND": "Refund",
             "SELLER_REV_SHARE_CREDIT": "Credit"}


def fees(feeds, day, parties):
    """R34. AMBIGUITY F1: the agreement and the accounts are those of the invoice date; the
    user's address is tax, then mailing: the billing address is the payer's."""
    section = Section("Fees", FEES)
    for e in billing.load_events(feeds).values():
        date = e.own_invoice_date
        if (e.action != "INVOICED" or e.type not in FEE_TYPES or date is None
                or date.date() != day.date() or e.to_account not in feeds.seller_ids):
            continue
        agreement = parties.agreement_at(e.agreement, date)
        if not parties.was_made_with_end(e.agreement) and not parties.has_payment_schedule(e.agreement):
            continue
        term = parties.term(e.agreement)
        user_account = parties.account(e.end_user, date)
        payer_account = parties.account(e.payer, date)
        section.add(
            user_cells(e.end_user, user_account, parties.address(parties.address_id(user_account)))
            | product_cells(parties.product(e.product))
            | payer_cells(e.payer, payer_account,
                          parties.address_id(payer_account, e.billing_address), parties)
            | {
                "Amount": money_cell(e.amount),
                "Currency": text_cell(e.currency),
                "Fee Description": FEE_TYPES[e.type] or text_cell(term.get("term_type")),
                "Start Date": date_cell((agreement or {}).get("start_time")),
                "End Date": date_cell((agreement or {}).get("end_time")),
                "Quantity": feed_cell(term_quantity(term)),
                "Dimension": text_cell(term_dimension(term)),
            })
    return section


# -- 3: free trials ---------------------------------------------------------------------


def is_true(text):
    return text is not None and text.strip().lower() in ("true", "t", "yes", "y", "1")


def free_trials(feeds, start, end, parties):
    """R40. AMBIGUITY Q1: the product is the offer's (else the agreement's offer's, else the
    title); a trial that ended in the day is converted when a row of the details that is not a
    trial, of the same subscriber and product, starts before the day's end and not before the
    trial did; other trials that ended in the day are non-converted."""
    section = Section("Free trial conversions", TRIALS)
    details = {}
    for d in feeds.agreement_detail:
        details[d.get("agreement_id") or (d["_file"], d["_line"])] = d
    trials, paid = defaultdict(list), defaultdict(list)
    for d in details.values():
        product = detail_product(d, feeds, parties)
        subscriber = d.get("subscriber_aws_account_id") or d.get("customer_id")
        if is_true(d.get("is_free_trial_offer")):
            trials[product].append((subscriber, d))
        else:
            paid[product, subscriber].append(d["agreement_start_date"])
    for product, found in trials.items():
        counts = [0, 0, 0, 0]
        for subscriber, d in found:
            began, ended = d["agreement_start_date"], d.get("agreement_end_date")
            if start <= began < end:
                counts[0] += 1
            if began < end and (ended is None or ended >= end):
                counts[1] += 1
            if ended is not None and start <= ended < end:
                bought = any(began <= p < end for p in paid[product, subscriber] if p is not None)
                counts[2 if bought else 3] += 1
        if any(counts):
            title, code = product_texts(product, parties)
            section.add(dict(zip(TRIALS, [text_cell(title), text_cell(code)]
                                 + [int_cell(c) for c in counts] + ["", ""])))
    return section


def detail_product(d, feeds, parties):
    """(product_id, None) or (None, title)."""
    product_id = parties.product_of_offer(d.get("offer_id"))
    if product_id is None:
        agreement = parties.agreement_newest(d.get("agreement_id"))
        if agreement is not None:
            product_id = parties.product_of_offer(agreement.get("offer_id"))
    return (product_id, None) if product_id is not None else (None, d.get("product_title"))


def product_texts(product, parties):
    product_id, title = product
    if product_id is None:
        return title, None
    row = parties.product(product_id)
    return row.get("title"), row.get("product_code")


# -- 4: new instances ----------------------------------------------------------------------


def new_instances(feeds, start, end, parties):
    """Row = account × product × instance type. AMBIGUITY I1: Count = distinct instance ids; the
    launching account stands as its own payer, since the export names no other."""
    section = Section("New instances", INSTANCES)
    groups = defaultdict(set)
    for launch in feeds.instance_launch:
        if start <= launch["launched_at"] < end:
            key = (launch.get("account_id"), launch.get("product_id"), launch.get("instance_type"))
            groups[key].add(launch.get("instance_id"))
    for (account_id, product_id, kind), instances in groups.items():
        account = parties.account(account_id, last_instant_of(start))
        address_id = parties.address_id(account)
        section.add(
            user_cells(account_id, account, parties.address(address_id))
            | product_cells(parties.product(product_id))
            | payer_cells(account_id, account, address_id, parties)
            | {"Type": text_cell(kind), "Count": int_cell(len(instances))})
    return section


# -- 5 and 6: subscribers come and gone --------------------------------------------------------


def subscriber_cells(agreement, day_end, parties):
    """AMBIGUITY N1: the acceptor stands as user, customer and payer; account as of the day's end."""
    acceptor = agreement.get("acceptor_account_id")
    offer_id = agreement.get("offer_id")
    account = parties.account(acceptor, day_end)
    address_id = parties.address_id(account)
    return (user_cells(acceptor, account, parties.address(address_id))
            | product_cells(parties.product(parties.product_of_offer(offer_id)))
            | payer_cells(acceptor, account, address_id, parties)
            | {"Offer ID": text_cell(offer_id),
               "Offer Visibility": parties.offer_visibility(offer_id)})


def new_subscribers(feeds, start, end, parties):
    """R35: the first ACTIVE revision starts on the day, and the intent is not a renewal or
    amendment. AMBIGUITY N2: it starts at its start time (as Subscribed Date does, and as a
    cancelled one ends at its end time), else its acceptance time, else its valid_from."""
    section = Section("New product subscribers", NEW)
    for revisions in feeds.agreements.by_key.values():
        active = [r for r in revisions if (r.get("status") or "").upper() == "ACTIVE"]
        if not active:
            continue
        began = (active[0].get("start_time") or active[0].get("acceptance_time")
                 or active[0]["valid_from"])
        if not start <= began < end:
            continue
        if (active[0].get("intent") or "").upper() in NOT_NEW:
            continue
        cells = subscriber_cells(active[0], last_instant_of(start), parties)
        del cells["Customer AWS Account Number"]  # this section has no such column
        section.add(cells)
    return section


def canceled_subscribers(feeds, start, end, parties):
    """R35. AMBIGUITY N3: the newest revision says the status and the end."""
    section = Section("Canceled product subscribers", CANCELED)
    for revisions in feeds.agreements.by_key.values():
        newest = revisions[-1]
        ended = newest.get("end_time")
        if (newest.get("status") or "").upper() not in CANCELED_STATUSES:
            continue
        if ended is None or not start <= ended < end:
            continue
        section.add(subscriber_cells(newest, last_instant_of(start), parties)
                    | {"Subscribed Date": date_cell(newest.get("start_time"))})
    return section
