"""Makes a small, adversarial set of raw feeds: python tests/independent/make_feeds.py --out DIR --seed N

Deterministic per seed. Shapes of ids, order of columns and all structure differ from any other
sample on purpose. All rows keep to the documented rules (no row that belongs in quarantine, no
two different rows of one key with the same update time).
"""

import argparse
import csv
import os
import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from make_billing import Billing
from make_world import World

HISTORY = ["valid_from", "insert_date", "update_date", "delete_date"]

COLUMNS = {
    "AccountFeed": "account_id aws_account_id encrypted_account_id mailing_address_id tax_address_id"
                   " tax_registration_number tax_legal_name",
    "AddressFeed": "address_id email_domain company_name country_code state_or_region city"
                   " postal_code address_line_1 address_line_2 address_line_3",
    "AgreementFeed": "status estimated_agreement_value currency_code agreement_id license_ids"
                     " proposer_account_id acceptor_account_id offer_id offer_set_id"
                     " offer_revision_at_acceptance start_time end_time acceptance_time intent"
                     " preceding_agreement_id status_reason_code",
    "AgreementChargeFeed": "amount currency_code time agreement_id term_id",
    "AgreementTermFeed": "agreement_id term_id term_type term_configuration",
    "BillingEventFeed": "billing_event_id from_account_id to_account_id end_user_account_id"
                        " product_id action transaction_type parent_billing_event_id"
                        " disbursement_billing_event_id amount currency disbursement_amount"
                        " disbursement_currency balance_impacting invoice_date payment_due_date"
                        " usage_period_start_date usage_period_end_date invoice_id"
                        " billing_address_id transaction_reference_id"
                        " buyer_transaction_reference_id bank_trace_id broker_id action_date"
                        " recipient_account_id offer_id buyer_invoice_date line_item_id"
                        " buyer_line_item_id charge_variant charge_side agreement_id"
                        " buyer_invoice_id invoice_variant disbursement_reference_number",
    "DailyUsageFeed": "usage_feed_id usage_date product_id agreement_id end_user_account_id"
                      " payer_account_id region dimension_key usage_unit usage_quantity"
                      " pricing_currency estimated_revenue_in_pricing_currency"
                      " recipient_account_id offer_id usage_rate_per_unit_in_pricing_currency"
                      " charge_item_description",
    "LegacyIdMappingFeed": "mapping_type legacy_id new_id",
    "OfferFeed": "offer_id offer_revision name expiration_date opportunity_name"
                 " opportunity_description seller_account_id opportunity_id recipient_account_id",
    "OfferProductFeed": "offer_id offer_revision product_id",
    "OfferTargetFeed": "offer_target_id offer_id offer_revision target_type polarity value",
    "ProductFeed": "product_id manufacturer_account_id product_code title",
    "TaxItemFeed": "tax_item_id invoice_id line_item_id customer_bill_id tax_liable_party"
                   " transaction_type_code product_id product_tax_code invoice_date"
                   " taxed_customer_account_id taxed_customer_country"
                   " taxed_customer_state_or_region taxed_customer_city"
                   " taxed_customer_postal_code tax_location_code_taxed_jurisdiction"
                   " tax_type_code jurisdiction_level taxed_jurisdiction"
                   " display_price_taxability_type taxable_amount nontaxable_amount"
                   " tax_jurisdiction_rate tax_amount tax_currency tax_calculation_reason_code"
                   " date_used_for_tax_calculation customer_exemption_certificate_id"
                   " customer_exemption_certificate_id_domain"
                   " customer_exemption_certificate_level customer_exemption_code"
                   " customer_exemption_domain transaction_reference_id",
}
# Feeds in the second documented dialect: `2024-12-24 11:31:47.0`, null as text.
SECOND_DIALECT = {"AgreementFeed", "AgreementChargeFeed", "AgreementTermFeed"}

SUPPLEMENTS = {
    "SiteVisits": ("visits.csv", "occurred_at session_id account_id path event"),
    "InstanceLaunches": ("launches.csv",
                         "launched_at account_id product_id instance_type instance_id"),
    "AgreementDetails": ("data.csv",
                         "vendor_display_name vendor_aws_account_id subscriber_aws_account_id"
                         " customer_id product_title offer_id offer_visibility reseller_name"
                         " reseller_aws_account_id agreement_id agreement_acceptance_date"
                         " agreement_start_date agreement_end_date is_free_trial_offer"
                         " total_contract_value"),
}


class Sink:
    """Collects rows, gives them their history columns, and writes them as feed files."""

    def __init__(self, rng):
        self.rng = rng
        self.rows = defaultdict(list)

    def put(self, name, row, valid_from, known=None, delete=None, dates="both"):
        """One version. `known` is its update time (default: the midnight after valid_from).
        dates: both | insert (no update_date) | none (neither: known at valid_from + 1 day)."""
        known = known or (valid_from + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        row = dict(row, valid_from=valid_from, delete_date=delete)
        row["insert_date"] = known if dates != "none" else None
        row["update_date"] = known if dates == "both" else None
        self.rows[name].append((known, row))
        return row

    def again(self, name, row, known, delete=False, **changes):
        """A later version of a row: a correction, or its soft delete."""
        changed = {c: v for c, v in row.items() if c not in HISTORY} | changes
        return self.put(name, changed, row["valid_from"], known,
                        delete=known if delete else None)

    def supplement(self, name, at, row):
        self.rows[name].append((at, row))

    def write(self, out, last_month):
        for name, names in COLUMNS.items():
            self.write_feed(os.path.join(out, f"{name}_V1"), "data.csv", name,
                            names.split() + HISTORY, last_month)
        for name, (file, names) in SUPPLEMENTS.items():
            self.write_feed(os.path.join(out, name), file, name, names.split(), last_month)

    def write_feed(self, folder, file, name, columns, last_month):
        months = defaultdict(list)
        for known, row in sorted(self.rows[name], key=lambda p: p[0]):
            # Rows of the years before stand in the backfill folder.
            months[(known.year, known.month) if known.year >= 2025 else (2010, 1)].append(row)
        months.setdefault(last_month, [])  # a month without changes: its header only
        for (year, month), rows in months.items():
            self.rng.shuffle(columns)  # columns are found by name, in each file anew
            path = os.path.join(folder, f"year={year}", f"month={month:02}", file)
            write_csv(path, columns, rows, name in SECOND_DIALECT)


def write_csv(path, columns, rows, second_dialect=False):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        for row in rows:
            out.writerow([cell(row.get(c), second_dialect) for c in columns])


def cell(value, second_dialect):
    if value is None:
        return "null" if second_dialect else ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.0" if second_dialect else "%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def make(out, seed, around, sales):
    rng = random.Random(seed)
    sink = Sink(rng)
    world = World(rng, sink, around)
    world.make()
    Billing(rng, sink, world, around, sales).make()
    sink.write(out, (around.year, around.month))
    write_csv(os.path.join(out, "ProductPages", "products.csv"),
              ["title", "asin", "product_code"], world.pages)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--around", default="2026-03-15", help="the day the data leads up to")
    parser.add_argument("--sales", type=int, default=60, help="how many sales to bill")
    args = parser.parse_args()
    make(args.out, args.seed, datetime.strptime(args.around, "%Y-%m-%d"), args.sales)


if __name__ == "__main__":
    main()
