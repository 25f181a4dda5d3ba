"""Monthly Billed Revenue report (R16, R17, R36, R37). Knows billing events, usage and charges."""

from collections import defaultdict

import billing
from money import (ZERO, cents, date_cell, feed_cell, int_cell, money_cell, month_cell, text_cell,
                   total)
from parties import Parties, term_dimension, term_quantity
from section import Report, Section, columns

BILLING = columns("""Customer Reference ID | Country | State | City | Zip Code | Product Title |
    Product Code | Customer Billed Amount | AWS Listing Fee | Refunds Amount | AWS Fee Refund |
    Cost | Partner Revenue Amount | Currency | Transaction Reference ID |
    U.S. Sales Tax Customer Billed Amount | U.S. Sales Tax Refunds Amount | Offer ID |
    Offer Visibility | Customer AWS Account Number | Customer Email Domain | Opportunity Name |
    Opportunity Description | Solution Title | Solution ID | Payer Reference ID |
    Payer Address ID""")
VARIABLE = columns("""Customer Reference ID | Country | State | City | Zip Code | Product Title |
    Product Code | Subscription Quantity | Subscription Start Date | Subscription End Date |
    Subscription Instance Type | Customer Billed Amount | AWS Listing Fee | Refunds Amount |
    AWS Fee Refund | Cost | Partner Revenue Amount | Currency | Transaction Reference ID |
    U.S. Sales Tax Customer Billed Amount | U.S. Sales Tax Refunds Amount |
    Customer AWS Account Number | Customer Email Domain | Offer ID | Offer Visibility |
    Contract Start Date | Contract End Date | Opportunity Name | Opportunity Description |
    Solution Title | Solution ID | Payer Reference ID | Payer Address ID""")
FIELD = columns("Product Title | Product Code | Instance Type | Usage Units | Usage Unit Types")
FLEXIBLE = columns("""Customer AWS Account Number | Customer Country | Customer State |
    Customer City | Customer ZIP Code | Customer Email Domain | User Reference ID |
    User AWS Account Number | Product ID | Product Title | Product Type |
    AWS Marketplace Offer ID | Contract Create Date | Contract Expiration Date |
    Total Contract Value (USD) | # of Payments | Invoice Date | Invoice Amount (USD) |
    Payer Reference ID | Currency""")


def report(feeds, start, end, sharing):
    parties = Parties(feeds, sharing)
    billed = Section("Billing and revenue data", BILLING)
    variable = Section("Variable length subscriptions", VARIABLE)
    for group in billed_groups(feeds, start, end):
        billed_row(group, billed, variable, parties)
    return Report("monthly_billed_revenue", "monthly_billed_revenue_report", [
        billed, variable,
        field_demonstration(feeds, start, end, parties),
        flexible_payments(feeds, start, end, parties),
    ])


def billed_groups(feeds, start, end):
    """R16: INVOICED and FORGIVEN rows of the month by invoice date (a moved fee by the buyer's)."""
    events = billing.load_events(feeds)
    taken = [e for e in events.values()
             if e.action in ("INVOICED", "FORGIVEN")
             and e.invoice_date is not None and start <= e.invoice_date < end]
    key = lambda e: (month_cell(e.invoice_date), e.reference, e.product, e.end_user, e.currency)
    return billing.group_by(taken, key).values()


def billed_row(group, billed, variable, parties):
    first = group[0]
    cost = cents(total(e.amount for e in group if e.type == billing.SELLER_REV and e.is_resale_cost()))
    pairs = [(e.type, e.amount) for e in group
             if not (e.type == billing.SELLER_REV and e.is_resale_cost())]
    amount = cents(billing.sum_types(pairs, "SELLER_REV_SHARE"))
    fee = cents(billing.sum_types(pairs, "AWS_REV_SHARE"))
    refunds = cents(billing.sum_types(pairs, "SELLER_REV_SHARE_REFUND", "SELLER_REV_SHARE_CREDIT"))
    fee_refund = cents(billing.sum_types(pairs, "AWS_REV_SHARE_REFUND", "AWS_REV_SHARE_CREDIT"))
    tax = cents(billing.sum_types(pairs, "SELLER_TAX_SHARE"))
    tax_refund = cents(billing.sum_types(pairs, "SELLER_TAX_SHARE_REFUND"))
    if not any((amount, fee, refunds, fee_refund, cost, tax, tax_refund)):
        return  # R16: all-zero rows left out (of the printed cells, AMBIGUITY D8)
    date = billing.invoice_date_of(group)
    payer = billing.payer_of(group)
    account = parties.account(payer, date)  # R5: account as of the invoice date
    address_id = parties.address_id(account, billing.billing_address_of(group))
    address = parties.address(address_id)
    agreement_id = billing.agreement_of(group)
    agreement = parties.agreement_at(agreement_id, date)
    offer_id = billing.offer_of(group, agreement)
    offer = parties.offer(offer_id)
    product = parties.product(first.product)
    cells = {
        "Customer Reference ID": text_cell(first.end_user),
        "Country": text_cell(address.get("country_code")),
        "State": text_cell(address.get("state_or_region")),
        "City": text_cell(address.get("city")),
        "Zip Code": text_cell(address.get("postal_code")),
        "Product Title": text_cell(product.get("title")),
        "Product Code": text_cell(product.get("product_code")),
        "Customer Billed Amount": money_cell(amount),
        "AWS Listing Fee": money_cell(fee),
        "Refunds Amount": money_cell(refunds),
        "AWS Fee Refund": money_cell(fee_refund),
        "Cost": money_cell(cost),
        "Partner Revenue Amount": money_cell(amount + fee + refunds + fee_refund + cost),
        "Currency": text_cell(first.currency),
        "Transaction Reference ID": text_cell(first.reference),
        "U.S. Sales Tax Customer Billed Amount": money_cell(tax),
        "U.S. Sales Tax Refunds Amount": money_cell(tax_refund),
        "Offer ID": text_cell(offer_id),
        "Offer Visibility": parties.offer_visibility(offer_id),
        "Customer AWS Account Number": parties.number(account),
        "Customer Email Domain": parties.email_domain(address),
        "Opportunity Name": text_cell(offer.get("opportunity_name")),
        "Opportunity Description": text_cell(offer.get("opportunity_description")),
        "Payer Reference ID": text_cell(payer),
        "Payer Address ID": text_cell(address_id),
    }
    if not any(parties.was_made_with_end(e.agreement) for e in group):  # R17
        billed.add(cells)
        return
    # AMBIGUITY M1: no rule says where the subscription columns come from: quantity and instance
    # type from the agreement's term, start and end from the agreement; no feed tells a SaaS
    # contract from another, so the contract dates repeat the subscription's.
    term = parties.term(agreement_id)
    agreement = agreement or {}
    dates = (date_cell(agreement.get("start_time")), date_cell(agreement.get("end_time")))
    variable.add(cells | {
        "Subscription Quantity": feed_cell(term_quantity(term)),
        "Subscription Start Date": dates[0],
        "Subscription End Date": dates[1],
        "Subscription Instance Type": text_cell(term_dimension(term)),
        "Contract Start Date": dates[0],
        "Contract End Date": dates[1],
    })


def field_demonstration(feeds, start, end, parties):
    """R36; row = product × instance type × unit. Units keep the digits of the feed (R23)."""
    section = Section("AWS field demonstration usage", FIELD)
    sums = defaultdict(lambda: ZERO)
    for u in feeds.usage:
        if start <= u["usage_date"] < end and parties.is_field_demonstration(u.get("offer_id")):
            key = u.get("product_id"), u.get("dimension_key"), u.get("usage_unit")
            sums[key] += u.get("usage_quantity") or ZERO
    for (product_id, dimension, unit), units in sums.items():
        product = parties.product(product_id)
        section.add({
            "Product Title": text_cell(product.get("title")),
            "Product Code": text_cell(product.get("product_code")),
            "Instance Type": text_cell(dimension),
            "Usage Units": feed_cell(units),
            "Usage Unit Types": text_cell(unit),
        })
    return section


def flexible_payments(feeds, start, end, parties):
    """R37. AMBIGUITY M2: the agreement is its newest revision; its acceptor is the customer, the
    user and the payer (no feed names another payer before an invoice exists); the account is that
    of the charge's date (R5: billed revenue, as of the invoice date); the address is tax, then
    mailing; count and total are per agreement and currency; no feed has a product type."""
    section = Section("Contracts with flexible payment schedule", FLEXIBLE)
    for agreement_id, charges in parties.charges.items():
        agreement = parties.agreement_newest(agreement_id)
        accepted = agreement.get("acceptance_time") if agreement else None
        if accepted is None or not start <= accepted < end:
            continue
        user = agreement.get("acceptor_account_id")
        offer_id = agreement.get("offer_id")
        product_id = parties.product_of_offer(offer_id)
        for charge in charges:
            same = [c for c in charges if c.get("currency_code") == charge.get("currency_code")]
            account = parties.account(user, charge["time"])
            address = parties.address(parties.address_id(account))
            section.add({
                "Customer AWS Account Number": parties.number(account),
                "Customer Country": text_cell(address.get("country_code")),
                "Customer State": text_cell(address.get("state_or_region")),
                "Customer City": text_cell(address.get("city")),
                "Customer ZIP Code": text_cell(address.get("postal_code")),
                "Customer Email Domain": parties.email_domain(address),
                "User Reference ID": text_cell(user),
                "User AWS Account Number": parties.number(account),
                "Product ID": text_cell(product_id),
                "Product Title": text_cell(parties.product(product_id).get("title")),
                "Product Type": "",
                "AWS Marketplace Offer ID": text_cell(offer_id),
                "Contract Create Date": date_cell(accepted),
                "Contract Expiration Date": date_cell(agreement.get("end_time")),
                "Total Contract Value (USD)": money_cell(total(c.get("amount") for c in same)),
                "# of Payments": int_cell(len(same)),
                "Invoice Date": date_cell(charge["time"]),
                "Invoice Amount (USD)": money_cell(charge.get("amount")),
                "Payer Reference ID": text_cell(user),
                "Currency": text_cell(charge.get("currency_code")),
            })
    return section
