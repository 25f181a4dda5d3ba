"""U.S. Sales and Use Tax report (R21, R5, R7a): one row per tax item of a U.S. customer."""

from collections import defaultdict

import billing
from money import date_cell, feed_cell, text_cell, total
from parties import Parties
from section import Report, Section, columns

HEADER = columns("""Line Item ID | Customer Bill ID | Product Name | Product Code | Product Tax Code |
    Seller ID | Seller Name | Transaction Date | Total Adjusted Price | Total Tax |
    Base Currency Code | Bill to City | Bill to State | Bill to Postal Code | Bill to Country |
    Transaction Type Code | Display Price Taxability Type | Tax Location Code Taxed Jurisdiction |
    Tax Type Code | Jurisdiction Level | Taxed Jurisdiction | Taxable Sale Amount |
    Nontaxable Sale Amount | Tax Amount | Tax Jurisdiction Tax Rate | Tax Calculation Reason Code |
    Date Used For Tax Calculation | Customer Exemption Certificate ID |
    Customer Exemption Certificate ID Domain | Customer Exemption Certificate Level |
    Customer Exemption Code | Customer Exemption Domain | Customer Reference ID |
    Transaction Reference ID | Payer Reference ID | Tax Liable Party""")


def report(feeds, start, end, sharing):
    parties = Parties(feeds, sharing)
    section = Section("US sales and use tax records", HEADER)
    items = [i for i in feeds.tax_items
             if i.get("taxed_customer_country") == "US"
             and i.get("invoice_date") is not None and start <= i["invoice_date"] < end]
    lines = defaultdict(list)
    for item in items:
        lines[line_of(item)].append(item)
    seller = seller_account(feeds)
    users = end_users(feeds)
    for item in items:
        line = lines[line_of(item)]
        date = item["invoice_date"]
        product = parties.product(item.get("product_id"), date)  # R5: as of the invoice date
        seller_then = parties.account(seller, date) if seller else None
        # AMBIGUITY T1: "Bill to" is the taxed customer's location; T2: the taxed customer is the
        # payer; R41: the customer is the end user, whom the tax feed does not name: the one of the
        # transaction's billing events, else the taxed customer; T3: dates are printed as dates.
        section.add({
            "Line Item ID": text_cell(item.get("line_item_id")),
            "Customer Bill ID": text_cell(item.get("customer_bill_id")),
            "Product Name": text_cell(product.get("title")),
            "Product Code": text_cell(product.get("product_code")),
            "Product Tax Code": text_cell(item.get("product_tax_code")),
            "Seller ID": text_cell(feeds.seller_account),
            # AMBIGUITY T4: the legal name, else the company name of the mailing address.
            "Seller Name": text_cell((seller_then or {}).get("tax_legal_name")
                                     or parties.company_name(seller_then)),
            "Transaction Date": date_cell(date),
            "Total Adjusted Price": feed_cell(adjusted_price(line)),
            "Total Tax": feed_cell(total(i.get("tax_amount") for i in line)),
            "Base Currency Code": text_cell(item.get("tax_currency")),
            "Bill to City": text_cell(item.get("taxed_customer_city")),
            "Bill to State": text_cell(item.get("taxed_customer_state_or_region")),
            "Bill to Postal Code": text_cell(item.get("taxed_customer_postal_code")),
            "Bill to Country": text_cell(item.get("taxed_customer_country")),
            "Transaction Type Code": text_cell(item.get("transaction_type_code")),
            "Display Price Taxability Type": text_cell(item.get("display_price_taxability_type")),
            "Tax Location Code Taxed Jurisdiction":
                text_cell(item.get("tax_location_code_taxed_jurisdiction")),
            "Tax Type Code": text_cell(item.get("tax_type_code")),
            "Jurisdiction Level": text_cell(item.get("jurisdiction_level")),
            "Taxed Jurisdiction": text_cell(item.get("taxed_jurisdiction")),
            "Taxable Sale Amount": feed_cell(item.get("taxable_amount")),
            "Nontaxable Sale Amount": feed_cell(item.get("nontaxable_amount")),
            "Tax Amount": feed_cell(item.get("tax_amount")),
            "Tax Jurisdiction Tax Rate": feed_cell(item.get("tax_jurisdiction_rate")),
            "Tax Calculation Reason Code": text_cell(item.get("tax_calculation_reason_code")),
            "Date Used For Tax Calculation": date_cell(item.get("date_used_for_tax_calculation")),
            "Customer Exemption Certificate ID":
                text_cell(item.get("customer_exemption_certificate_id")),
            "Customer Exemption Certificate ID Domain":
                text_cell(item.get("customer_exemption_certificate_id_domain")),
            "Customer Exemption Certificate Level":
                text_cell(item.get("customer_exemption_certificate_level")),
            "Customer Exemption Code": text_cell(item.get("customer_exemption_code")),
            "Customer Exemption Domain": text_cell(item.get("customer_exemption_domain")),
            "Customer Reference ID": text_cell(users.get(item.get("transaction_reference_id"))
                                               or item.get("taxed_customer_account_id")),
            "Transaction Reference ID": text_cell(item.get("transaction_reference_id")),
            "Payer Reference ID": text_cell(item.get("taxed_customer_account_id")),
            "Tax Liable Party": text_cell(item.get("tax_liable_party")),
        })
    return Report("us_sales_and_use_tax", "us_sales_and_use_tax_report", [section])


def end_users(feeds):
    """transaction reference -> the greatest end user of its invoiced and forgiven SELLER rows."""
    users = {}
    for row in feeds.billing_event:
        reference, user = row.get("transaction_reference_id"), row.get("end_user_account_id")
        if (reference is not None and user is not None and row.get("action") in ("INVOICED", "FORGIVEN")
                and (row.get("transaction_type") or "").startswith("SELLER_")):
            users[reference] = billing.greatest((users.get(reference), user))
    return users


def line_of(item):
    """R21: totals per invoice, line and transaction type (over the rows of the report)."""
    return item.get("invoice_id"), item.get("line_item_id"), item.get("transaction_type_code")


def adjusted_price(line):
    """AMBIGUITY T5: each jurisdiction's row splits the same line price into a taxable and a
    nontaxable part, so the price is that sum once, not once per jurisdiction; should they
    differ, the one of greatest size."""
    prices = [total((i.get("taxable_amount"), i.get("nontaxable_amount"))) for i in line]
    return max(prices, key=lambda p: (abs(p), p))


def seller_account(feeds):
    """The seller's account_id; the smallest where several carry the number."""
    ids = sorted(i for i in feeds.seller_ids if i in feeds.accounts.by_key)
    return ids[0] if ids else None
