"""Who and what a row is about: accounts, addresses, products, offers, agreements (R3, R5, R19, R24, R41, R43).

Knows the feeds; knows no report and no amount.
"""

import json
from datetime import timedelta
from decimal import Decimal

from money import text_cell


NOT_PRICED = {"LegalTerm", "RenewalTerm", "SupportTerm", "ValidityTerm"}
BY_USAGE = {"UsageBasedPricingTerm"}


class Parties:
    def __init__(self, feeds, sharing):
        self.feeds = feeds
        self.sharing = sharing
        self.offers = latest_offers(feeds.offer)
        self.offer_products = latest_offer_products(feeds.offer_product, self.offers)
        self.targets = {}
        for row in feeds.offer_target:
            self.targets.setdefault((row["offer_id"], row["offer_revision"]), []).append(row)
        self.terms = {}
        for row in latest_terms(feeds.agreement_term):
            self.terms.setdefault(row["agreement_id"], []).append(row)
        self.charges = {}
        for row in latest_charges(feeds.agreement_charge):
            self.charges.setdefault(row["agreement_id"], []).append(row)

    # -- accounts and addresses ------------------------------------------------

    def account(self, account_id, t=None):
        """The account's revision at t (R3), or its latest one where t is None (R5)."""
        if account_id is None:
            return None
        if t is None:
            return self.feeds.accounts.latest(account_id)
        return self.feeds.accounts.as_of(account_id, t)

    def address_id(self, account, billing_address_id=None):
        """R19: tax, then billing, then mailing (for usage there is no billing address)."""
        tax = account.get("tax_address_id") if account else None
        mailing = account.get("mailing_address_id") if account else None
        return tax or billing_address_id or mailing

    def address(self, address_id):
        """R5: the latest row of the address; all null when it is unknown."""
        return self.feeds.addresses.latest(address_id) or {}

    def hidden(self, text):
        """R43: account numbers and e-mail domains stand empty without enhanced data sharing."""
        return text_cell(text) if self.sharing else ""

    def number(self, account):
        return self.hidden(account.get("aws_account_id") if account else None)

    def email_domain(self, address):
        return self.hidden(address.get("email_domain"))

    # -- products ---------------------------------------------------------------

    def product(self, product_id, t=None):
        if product_id is None:
            return {}
        if t is None:
            return self.feeds.products.latest(product_id) or {}
        return self.feeds.products.as_of(product_id, t) or {}

    # -- offers ------------------------------------------------------------------

    def offer(self, offer_id):
        return self.offers.get(offer_id) or {}

    def offer_visibility(self, offer_id):
        """R24. AMBIGUITY A3: of several targets the first in the order of the rule counts
        (Private, Program:<smallest value>, GeoTargeted, Other Targeting); the targets are those
        of the offer's latest revision; polarity does not matter; a channel offer is one whose
        seller_account_id is filled and is not the seller. An offer that the feed lacks: empty."""
        offer = self.offers.get(offer_id)
        if offer is None:
            return ""
        seller = offer.get("seller_account_id")
        if seller is not None and seller not in self.feeds.seller_ids:
            return "Private"
        found = []
        for target in self.targets.get((offer_id, offer["offer_revision"]), []):
            kind = target.get("target_type")
            if kind == "BuyerAccounts":
                found.append((1, "Private"))
            elif kind == "ParticipatingPrograms":
                found.append((2, "Program:" + (target.get("value") or "")))
            elif kind == "CountryCodes":
                found.append((3, "GeoTargeted"))
            else:
                found.append((4, "Other Targeting"))
        return text_cell(min(found)[1]) if found else "Public"

    def is_field_demonstration(self, offer_id):
        """R36. AMBIGUITY A4: of the latest revision's targets; a negative one does not target."""
        offer = self.offers.get(offer_id)
        if offer is None:
            return False
        return any(t.get("target_type") == "ParticipatingPrograms"
                   and t.get("value") == "FieldDemonstration"
                   and t.get("polarity") != "NegativeTargeting"
                   for t in self.targets.get((offer_id, offer["offer_revision"]), []))

    def product_of_offer(self, offer_id):
        """R22: by the offer's latest product row (smallest product_id where it has several)."""
        return self.offer_products.get(offer_id)

    # -- agreements ---------------------------------------------------------------

    def agreement_at(self, agreement_id, t):
        """R3: the revision at t; the first one reaches back."""
        if agreement_id is None:
            return None
        return self.feeds.agreements.as_of(agreement_id, t)

    def agreement_newest(self, agreement_id):
        return self.feeds.agreements.latest(agreement_id)

    def was_made_with_end(self, agreement_id):
        """R17: what the first revision of the agreement says."""
        first = self.feeds.agreements.first(agreement_id)
        return first is not None and first.get("end_time") is not None

    def has_payment_schedule(self, agreement_id):
        """AMBIGUITY A5: a payment schedule = the agreement has charges in the charge feed (R37)."""
        return bool(self.charges.get(agreement_id))

    def term(self, agreement_id):
        """AMBIGUITY A6: of several terms the priced one counts: with dimensions before without,
        legal, renewal, support and validity terms last, usage pricing before those, then the
        smallest term_id; its latest revision."""
        terms = sorted(self.terms.get(agreement_id, []), key=lambda t: (
            not dimensions(t), t["term_type"] in NOT_PRICED, t["term_type"] in BY_USAGE, t["term_id"]))
        return terms[0] if terms else {}

    def reseller(self, agreement):
        """The proposer where it is not the seller; else None."""
        proposer = agreement.get("proposer_account_id")
        return proposer if proposer is not None and proposer not in self.feeds.seller_ids else None

    def company_name(self, account):
        """AMBIGUITY A7: company name of the mailing address, else the legal name."""
        if account is None:
            return None
        mailing = self.address(account.get("mailing_address_id"))
        return mailing.get("company_name") or account.get("tax_legal_name")


def dimensions(term):
    """[(key, value)] of a term's configuration."""
    text = term.get("term_configuration")
    if not text:
        return []
    try:
        configuration = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        return []
    if not isinstance(configuration, dict):
        return []
    return [(d.get("dimensionKey"), d.get("dimensionValue"))
            for d in configuration.get("dimensions") or []]


def term_dimension(term):
    """AMBIGUITY A8: several dimensions: the first one's key."""
    found = dimensions(term)
    return found[0][0] if found else None


def term_quantity(term):
    """AMBIGUITY A8: several dimensions: the first one's value."""
    found = dimensions(term)
    if not found or found[0][1] is None:
        return None
    return Decimal(found[0][1])


def latest_offers(rows):
    """One row per offer: the highest offer_revision, then the greatest valid_from."""
    newest = {}
    for row in rows:
        held = newest.get(row["offer_id"])
        if held is None or rank(row) > rank(held):
            newest[row["offer_id"]] = row
    return newest


def rank(row):
    return (row["offer_revision"] or 0, row["valid_from"])


def latest_offer_products(rows, offers):
    """offer_id -> product_id of the newest (offer_revision, valid_from) product row."""
    newest = {}
    for row in rows:
        held = newest.get(row["offer_id"])
        if (held is None or rank(row) > rank(held)
                or (rank(row) == rank(held) and row["product_id"] < held["product_id"])):
            newest[row["offer_id"]] = row
    return {offer_id: row["product_id"] for offer_id, row in newest.items()}


def latest_terms(rows):
    newest = {}
    for row in rows:
        key = (row["agreement_id"], row["term_id"])
        if key not in newest or row["valid_from"] > newest[key]["valid_from"]:
            newest[key] = row
    return newest.values()


def latest_charges(rows):
    newest = {}
    for row in rows:
        key = (row["agreement_id"], row["term_id"], row["time"])
        if key not in newest or row["valid_from"] > newest[key]["valid_from"]:
            newest[key] = row
    return newest.values()


def last_instant_of(day):
    """The last instant of a UTC day that has begun at `day`."""
    return day + timedelta(days=1) - timedelta(microseconds=1)
