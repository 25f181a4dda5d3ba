"""Daily Customer Subscriber report (R22): who is subscribed as of the covered day's end."""

from money import date_cell, feed_cell, text_cell
from parties import Parties, last_instant_of, term_quantity
from section import Report, Section, columns

HOURLY = columns("""Customer AWS Account Number | Product Title | Product Id | Product Code |
    Subscription Start Date | Offer ID | Offer Visibility | Solution Title | Solution ID |
    Payer Reference ID | Reseller account ID | Reseller account name""")
VARIABLE = columns("""Customer AWS Account Number | Product Title | Product Id | Product Code |
    Subscription Id | Subscription Quantity | Subscription Type | Subscription Intent | Offer ID |
    Subscription Start Date | Previous Offer ID | Offer Visibility | Solution Title | Solution ID |
    Payer Reference ID | Reseller account ID | Reseller account name""")


def report(feeds, start, end, sharing):
    parties = Parties(feeds, sharing)
    hourly = Section("Hourly and monthly subscriptions", HOURLY)
    variable = Section("Variable length subscriptions", VARIABLE)
    day_end = last_instant_of(start)
    for revisions in feeds.agreements.by_key.values():
        newest = [r for r in revisions if r["valid_from"] <= day_end][-1:]
        if newest and is_subscribed(newest[0], day_end):
            row(newest[0], day_end, hourly, variable, parties)
    return Report("daily_customer_subscriber", "customer_subscriber_report", [hourly, variable])


def is_subscribed(agreement, day_end):
    """ACTIVE, started, not ended. AMBIGUITY C1: an end at the following midnight is not yet an end."""
    began, ended = agreement.get("start_time"), agreement.get("end_time")
    return ((agreement.get("status") or "").upper() == "ACTIVE"
            and began is not None and began <= day_end
            and (ended is None or ended > day_end))


def row(agreement, day_end, hourly, variable, parties):
    acceptor = agreement.get("acceptor_account_id")
    offer_id = agreement.get("offer_id")
    product_id = parties.product_of_offer(offer_id)
    product = parties.product(product_id)
    reseller = parties.reseller(agreement)
    reseller_account = parties.account(reseller, day_end)
    # AMBIGUITY C2: the acceptor stands as customer and payer; accounts as of the day's end.
    cells = {
        "Customer AWS Account Number": parties.number(parties.account(acceptor, day_end)),
        "Product Title": text_cell(product.get("title")),
        "Product Id": text_cell(product_id),
        "Product Code": text_cell(product.get("product_code")),
        "Subscription Start Date": date_cell(agreement.get("start_time")),
        "Offer ID": text_cell(offer_id),
        "Offer Visibility": parties.offer_visibility(offer_id),
        "Payer Reference ID": text_cell(acceptor),
        "Reseller account ID": parties.number(reseller_account),
        "Reseller account name": text_cell(parties.company_name(reseller_account)),
    }
    if agreement.get("end_time") is None:
        hourly.add(cells)
        return
    term = parties.term(agreement["agreement_id"])
    preceding = parties.agreement_newest(agreement.get("preceding_agreement_id"))
    variable.add(cells | {
        "Subscription Id": text_cell(agreement["agreement_id"]),
        "Subscription Quantity": feed_cell(term_quantity(term)),
        # AMBIGUITY C3: the type of subscription = the type of the agreement's term.
        "Subscription Type": text_cell(term.get("term_type")),
        "Subscription Intent": text_cell(agreement.get("intent")),
        "Previous Offer ID": text_cell(preceding.get("offer_id") if preceding else None),
    })
