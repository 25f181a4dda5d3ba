"""Sales Compensation report (R18, R10). Made only with enhanced data sharing (R43)."""

import billing
from money import money_cell, month_cell, text_cell
from parties import Parties
from section import Report, Section, columns

HEADER = columns("""Customer AWS Account Number | Country | State | City | Zip Code | Email Domain |
    Product Code | Product Title | Gross Revenue | AWS Revenue Share | Gross Refunds |
    AWS Refunds Share | Net Revenue | Currency | AR Period | Transaction Reference ID |
    Opportunity Name | Opportunity Description | Solution Title | Solution ID |
    Payer Reference ID | Payer Address ID""")

EIGHT = ("SELLER_REV_SHARE", "AWS_REV_SHARE", "SELLER_REV_SHARE_REFUND", "AWS_REV_SHARE_REFUND",
         "SELLER_REV_SHARE_CREDIT", "AWS_REV_SHARE_CREDIT", "SELLER_TAX_SHARE",
         "SELLER_TAX_SHARE_REFUND")


def report(feeds, start, end, sharing):
    if not sharing:
        return Report("sales_compensation", "sales_compensation_report", [])
    parties = Parties(feeds, sharing)
    events = billing.load_events(feeds)
    section = Section("Billed revenue", HEADER)
    taken = [e for e in events.values()
             if e.action in ("INVOICED", "FORGIVEN") and e.balance_impacting
             and e.type != "BALANCE_ADJUSTMENT"
             and e.invoice_date is not None and start <= e.invoice_date < end]
    paid_from = disbursed_addresses(events)
    key = lambda e: (month_cell(e.invoice_date), e.reference, e.product, e.end_user, e.currency)
    for group in billing.group_by(taken, key).values():
        row(group, paid_from, parties, section)
    return Report("sales_compensation", "sales_compensation_report", [section])


def row(group, paid_from, parties, section):
    pairs = [(e.type, e.amount) for e in group]
    net = billing.sum_types(pairs, *EIGHT)
    if net == 0:
        return  # R18: dropped when exactly 0
    first = group[0]
    date = billing.invoice_date_of(group)
    payer = billing.payer_of(group)
    account = parties.account(payer, date)
    address_id = (paid_from.get((first.reference, payer))
                  or billing.billing_address_of(e for e in group if e.action == "INVOICED")
                  or (account.get("mailing_address_id") if account else None))
    address = parties.address(address_id)
    agreement = parties.agreement_at(billing.agreement_of(group), date)
    offer = parties.offer(billing.offer_of(group, agreement))
    product = parties.product(first.product)
    section.add({
        "Customer AWS Account Number": parties.number(account),
        "Country": text_cell(address.get("country_code")),
        "State": text_cell(address.get("state_or_region")),
        "City": text_cell(address.get("city")),
        "Zip Code": text_cell(address.get("postal_code")),
        "Email Domain": parties.email_domain(address),
        "Product Code": text_cell(product.get("product_code")),
        "Product Title": text_cell(product.get("title")),
        "Gross Revenue": money_cell(billing.sum_types(pairs, "SELLER_REV_SHARE")),
        "AWS Revenue Share": money_cell(billing.sum_types(pairs, "AWS_REV_SHARE")),
        "Gross Refunds": money_cell(billing.sum_types(pairs, "SELLER_REV_SHARE_REFUND")),
        # AMBIGUITY S1: credits stay out of Gross Refunds; so do they of AWS Refunds Share.
        "AWS Refunds Share": money_cell(billing.sum_types(pairs, "AWS_REV_SHARE_REFUND")),
        "Net Revenue": money_cell(net),
        "Currency": text_cell(first.currency),
        "AR Period": month_cell(date),
        "Transaction Reference ID": text_cell(first.reference),
        "Opportunity Name": text_cell(offer.get("opportunity_name")),
        "Opportunity Description": text_cell(offer.get("opportunity_description")),
        "Payer Reference ID": text_cell(payer),
        "Payer Address ID": text_cell(address_id),
    })


def disbursed_addresses(events):
    """R18: (reference, payer) -> billing address of its DISBURSED SELLER rows. AMBIGUITY S2: from
    the same payer (as the published query joins); the greatest where they have several."""
    rows = (e for e in events.values()
            if e.action == "DISBURSED" and e.type.startswith("SELLER_"))
    return {key: billing.greatest(e.billing_address for e in group)
            for key, group in billing.group_by(rows, lambda e: (e.reference, e.payer)).items()}
