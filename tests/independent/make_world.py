"""The made-up world of make_feeds.py: accounts, products, offers, agreements, usage, visits, tax.

Knows no billing event. Everything is drawn from the given random generator.
"""

from datetime import timedelta
from decimal import Decimal

SELLER_NUMBER = "012345678901"
TITLES = ["Log Lens", "=SUM(A1:A9) Pro", "Zürich „Tresor“, 2nd ed.", "Two\nLines", "-minus first",
          "@mention 'quoted' \"twice\"", "+Plus; Ultra", "数据 Lake"]
CITIES = [("US", "WA", "Seattle", "01040"), ("US", "TX", "Austin, East", "73301-0001"),
          ("DE", None, "Köln", "50667"), ("JP", "13", "千代田区", "100-0001"),
          ("FR", "IDF", "Paris", None), ("US", "CA", "San \"Jo\"", "00501"), (None, None, None, None)]
UNITS = ["Hours", "Hours", "Hours", "Units", "GB-Mo"]
TERM_TYPES = ["ConfigurableUpfrontPricingTerm", "FixedUpfrontPricingTerm", "RecurringPaymentTerm"]
STATUSES_OVER = ["CANCELLED", "TERMINATED", "EXPIRED", "RENEWED", "REPLACED", "SUPERSEDED"]


class World:
    def __init__(self, rng, sink, around):
        self.rng = rng
        self.sink = sink
        self.around = around
        self.serial = 0
        self.pages = []

    def make(self):
        self.make_accounts()
        self.make_products()
        self.make_offers()
        self.make_agreements()
        self.make_usage()
        self.make_visits()
        self.make_launches()
        self.make_details()
        self.make_tax()

    # -- small draws -----------------------------------------------------------------

    def id(self, prefix):
        self.serial += 1
        return f"{prefix}_{self.rng.randrange(36 ** 5):x}.{self.serial}"

    def day(self, offset, hour=None):
        """A time `offset` days from the day all leads up to."""
        seconds = self.rng.randrange(86400) if hour is None else hour * 3600
        return self.around + timedelta(days=offset, seconds=seconds)

    def maybe(self, share):
        return self.rng.random() < share

    def late(self, at):
        """Usually the next midnight; sometimes so late that a tick no longer sees it."""
        midnight = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        return midnight + timedelta(days=self.rng.choice([0] * 9 + [1, 2, 5]))

    # -- accounts and addresses ---------------------------------------------------------

    def make_accounts(self):
        rng = self.rng
        self.addresses = [self.id("adr") for _ in range(16)]
        for i, address in enumerate(self.addresses):
            row = self.address_row(address)
            if i % 7 == 6:
                continue  # an address id that no feed row explains
            put = self.sink.put("AddressFeed", row, self.day(-rng.randrange(400, 2000)))
            if i % 5 == 0:  # the latest row of an address counts
                self.sink.put("AddressFeed", self.address_row(address), self.day(-20))
            if i % 5 == 1:
                self.sink.again("AddressFeed", put, self.day(-9), company_name="Corrected & Co")
        self.seller = self.add_account("S-eller", SELLER_NUMBER, legal="Takings Test GmbH, Köln")
        self.reseller = self.add_account("re/sell", "000000000042", legal="Reseller KK")
        self.maker = self.add_account("maker+", "700700700700")
        self.buyers = [self.add_account(name, f"{rng.randrange(10 ** 12):012}")
                       for name in ("-dash", "b.uy", "AA==", "zz", "Ünï", "p_1", "q_2", "=eq")]
        self.payers = [self.add_account(name, f"{rng.randrange(10 ** 11):012}")
                       for name in ("pay1", "pay2")]
        self.stranger = self.id("nobody")  # an account that the feed lacks

    def address_row(self, address):
        country, state, city, postal = self.rng.choice(CITIES)
        return {"address_id": address, "email_domain": self.rng.choice(["a.example", "b.example", None]),
                "company_name": self.rng.choice(["Acme, Inc.", "=HYPERLINK", "O'Hara"]),
                "country_code": country, "state_or_region": state, "city": city,
                "postal_code": postal, "address_line_1": "1 \"Main\" St.\nFloor 2"}

    def add_account(self, name, number, legal=None):
        account = f"{name}{self.rng.randrange(10 ** 6)}"
        row = {"account_id": account, "aws_account_id": number,
               "encrypted_account_id": self.id("enc"), "tax_legal_name": legal,
               "mailing_address_id": self.rng.choice(self.addresses + [None]),
               "tax_address_id": self.rng.choice(self.addresses + [None] * 16)}
        start = self.day(-self.rng.choice([30, 500]))  # 30: later than its first invoices
        self.sink.put("AccountFeed", row, start)
        if self.maybe(0.5):  # a revision within the months that reports look at
            moved = self.day(-self.rng.randrange(1, 28))
            revised = dict(row, tax_address_id=self.rng.choice(self.addresses),
                           mailing_address_id=self.rng.choice(self.addresses))
            put = self.sink.put("AccountFeed", revised, moved)
            if self.maybe(0.5):
                self.sink.again("AccountFeed", put, put["update_date"], )  # a plain duplicate
            elif self.maybe(0.5):
                self.sink.again("AccountFeed", put, put["update_date"] + timedelta(days=2), delete=True)
        return account

    # -- products and offers --------------------------------------------------------------

    def make_products(self):
        self.products = []
        self.codes = {}
        for i, title in enumerate(TITLES):
            product = self.id("prod")
            self.products.append(product)
            self.codes[product] = f"code{i}" + "x" * 20
            row = {"product_id": product, "manufacturer_account_id": self.seller,
                   "product_code": self.codes[product], "title": title}
            put = self.sink.put("ProductFeed", row, self.day(-self.rng.choice([10, 900])))
            if i % 3 == 0:
                revised = self.sink.put("ProductFeed", dict(row, title=title + " v2"), self.day(-25))
                if i % 2 == 0:
                    self.sink.again("ProductFeed", revised, self.day(-3), title=title + " v2 fixed")
            if i % 3 == 1:
                self.sink.again("ProductFeed", put, put["update_date"])  # duplicate
            for n in range(1 + i % 2):  # some products have two pages
                if i != 5:
                    self.pages.append({"asin": f"B0{i}{n}QQ", "product_code": self.codes[product],
                                       "title": title})
        self.unknown_product = self.id("prod")
        # Feed rows may name a product by its old id.
        self.old_id = {product: f"{i}d-old-{i}" for i, product in enumerate(self.products[:2])}
        for product, old in self.old_id.items():
            self.sink.put("LegacyIdMappingFeed", {"mapping_type": "PRODUCT", "legacy_id": old,
                                                  "new_id": product}, self.day(-900))

    def named(self, product):
        return self.old_id.get(product, product) if self.maybe(0.5) else product

    def make_offers(self):
        self.offers = []
        kinds = [None, "BuyerAccounts", "ParticipatingPrograms", "CountryCodes", "Strange",
                 "FieldDemonstration", "two", "channel", "own", "lost"]
        for i, kind in enumerate(kinds * 2):
            offer = self.id("offer")
            product = self.products[i % len(self.products)]
            self.offers.append((offer, product))
            if kind == "lost":
                self.sink.put("OfferProductFeed", {"offer_id": offer, "offer_revision": 1,
                                                   "product_id": product}, self.day(-700))
                continue  # an offer that the offer feed lacks
            revisions = 1 + i % 3
            for revision in range(1, revisions + 1):
                at = self.day(-700 + 300 * revision)
                self.sink.put("OfferFeed", self.offer_row(offer, revision, kind), at)
                self.sink.put("OfferProductFeed",
                              {"offer_id": offer, "offer_revision": revision,
                               "product_id": product if revision == revisions else self.products[0]}, at)
                self.make_targets(offer, revision, kind if revision == revisions else "BuyerAccounts", at)

    def offer_row(self, offer, revision, kind):
        seller = {"channel": self.reseller, "own": self.seller}.get(kind)
        return {"offer_id": offer, "offer_revision": revision, "name": f"Offer, {revision}",
                "seller_account_id": seller,
                "opportunity_id": self.id("opp") if kind == "channel" else None,
                "opportunity_name": self.rng.choice([None, "Opp; \"A\"", "@opp"]),
                "opportunity_description": self.rng.choice([None, "line 1\nline 2"])}

    def make_targets(self, offer, revision, kind, at):
        targets = {None: [], "channel": [], "own": [],
                   "FieldDemonstration": [("ParticipatingPrograms", "FieldDemonstration")],
                   "two": [("CountryCodes", "US"), ("ParticipatingPrograms", "Zeta"),
                           ("ParticipatingPrograms", "Alpha")],
                   "ParticipatingPrograms": [("ParticipatingPrograms", "EnterpriseContract")],
                   }.get(kind, [(kind, "123")])
        for target_type, value in targets:
            put = self.sink.put("OfferTargetFeed", {
                "offer_target_id": self.id("tgt"), "offer_id": offer, "offer_revision": revision,
                "target_type": target_type, "polarity": "PositiveTargeting", "value": value}, at)
            if kind == "Strange":  # a private target that was taken back
                gone = self.sink.put("OfferTargetFeed", dict(
                    {c: put[c] for c in ("offer_id", "offer_revision", "polarity", "value")},
                    offer_target_id=self.id("tgt"), target_type="BuyerAccounts"), at)
                self.sink.again("OfferTargetFeed", gone, at + timedelta(days=9), delete=True)

    # -- agreements -------------------------------------------------------------------------

    def make_agreements(self):
        self.agreements = []
        for i in range(44):
            offer, product = self.rng.choice(self.offers)
            began = self.day(-self.rng.choice([400, 200, 60, 40, 3, 2, 1, 1, 0]))
            length = self.rng.choice([None, None, 30, 365])
            ended = began + timedelta(days=length) if length else None
            if i % 6 == 0:
                ended = self.day(-1)  # ends on the covered day
            if i % 11 == 5:
                ended = self.around  # ends at the midnight of the tick
            began = min(began, ended - timedelta(days=5)) if ended else began
            row = {"status": "ACTIVE", "agreement_id": self.id("agmt"),
                   "estimated_agreement_value": self.rng.choice(["1,000", "12.50", None]),
                   "currency_code": "USD", "license_ids": "[lic-1,lic-2]",
                   "proposer_account_id": self.rng.choice([self.seller, self.seller, self.reseller, None]),
                   "acceptor_account_id": self.rng.choice(self.buyers), "offer_id": offer,
                   "start_time": began, "end_time": ended,
                   "acceptance_time": began - timedelta(hours=self.rng.choice([0, 30])),
                   "intent": self.rng.choice(["NEW", "NEW", "RENEW", "REPLACE", None])}
            if self.agreements and self.maybe(0.2):
                row["preceding_agreement_id"] = self.rng.choice(self.agreements)["agreement_id"]
            self.agreements.append(row)
            self.agreement_versions(i, row, began, ended)
            self.agreement_terms(i, row, began)

    def agreement_versions(self, i, row, began, ended):
        known = self.late(began)
        put = self.sink.put("AgreementFeed", row, began, known)
        if i % 4 == 1:  # a correction of the same revision
            self.sink.again("AgreementFeed", put, known + timedelta(hours=7), license_ids="[]")
        if i % 9 == 4:  # a revision that was deleted again
            later = self.sink.put("AgreementFeed", dict(row, status="ARCHIVED"),
                                  began + timedelta(days=1), known + timedelta(days=1))
            self.sink.again("AgreementFeed", later, known + timedelta(days=2), delete=True)
        if ended is not None and ended <= self.day(2):
            status = STATUSES_OVER[i % len(STATUSES_OVER)]
            self.sink.put("AgreementFeed", dict(row, status=status), ended, self.late(ended))

    def agreement_terms(self, i, row, began):
        key = {"agreement_id": row["agreement_id"]}
        self.sink.put("AgreementTermFeed", dict(
            key, term_id=self.id("term"), term_type="LegalTerm", term_configuration=None), began)
        configuration = None if i % 5 == 4 else (
            '{"selectorValue":"P12M","dimensions":[{"dimensionKey":"%s","dimensionValue":%d}]}'
            % (self.rng.choice(["users", "=m5.large", "GB"]), self.rng.randrange(1, 900)))
        if configuration:
            self.sink.put("AgreementTermFeed", dict(
                key, term_id=self.id("term"), term_type=self.rng.choice(TERM_TYPES),
                term_configuration=configuration), began)
        if i % 3 == 0:  # a payment schedule
            term = self.id("term")
            for n in range(1 + i % 4):
                charge = dict(key, term_id=term, currency_code="EUR" if i % 6 == 3 else "USD",
                              amount=self.amount(), time=began + timedelta(days=30 * n))
                put = self.sink.put("AgreementChargeFeed", charge, began)
                if n == 1:
                    self.sink.again("AgreementChargeFeed", put, put["update_date"] + timedelta(days=1),
                                    amount=self.amount())

    def amount(self):
        """Amounts of many digits, many on a tie of half a cent or just under one."""
        cents = Decimal(self.rng.randrange(1, 200_000)) / 100
        return cents + self.rng.choice([Decimal(t) for t in (
            "0", "0.005", "0.0049999999", "0.0050000001", "0.0000000001", "0.015", "0.1234567891")])

    # -- usage, visits, launches, details ------------------------------------------------------

    def make_usage(self):
        for _ in range(420):
            day = self.day(-self.rng.choice([1, 1, 1, 2, 3, 8] + list(range(4, 75))), 0)
            offer, product = self.rng.choice(self.offers)
            unit = self.rng.choice(UNITS)
            dimension = self.rng.choice(["m5.large", "=c6", "requests"])
            rate = self.rng.choice(["0.1", "0.250000", "1.000001"])
            row = {"usage_feed_id": self.id("use"), "usage_date": day.strftime("%Y-%m-%d"),
                   "product_id": self.named(self.rng.choice([product] * 3 + [self.unknown_product])),
                   "agreement_id": self.rng.choice([None, self.rng.choice(self.agreements)["agreement_id"]]),
                   "end_user_account_id": self.rng.choice(self.buyers + [self.stranger]),
                   "payer_account_id": self.rng.choice(self.payers + self.buyers[:2]),
                   "region": "eu-west-1", "dimension_key": dimension, "usage_unit": unit,
                   "usage_quantity": Decimal(self.rng.randrange(0, 90_000)) / 100,
                   "pricing_currency": self.rng.choice(["USD"] * 6 + ["EUR"]),
                   "estimated_revenue_in_pricing_currency": Decimal(self.rng.randrange(0, 10_000)) / 100,
                   "recipient_account_id": self.seller, "offer_id": offer,
                   "usage_rate_per_unit_in_pricing_currency": rate,
                   "charge_item_description": f"Annual | eu-west-1 | {dimension}"}
            put = self.sink.put("DailyUsageFeed", row, day, self.late(day),
                                dates=self.rng.choice(["both"] * 8 + ["insert"]))
            known = put["insert_date"]
            if self.maybe(0.06):  # a later revision of the same usage
                self.sink.put("DailyUsageFeed", dict(row, usage_quantity=Decimal("7.25")),
                              day + timedelta(hours=12), known + timedelta(hours=5))
            elif self.maybe(0.06):
                self.sink.again("DailyUsageFeed", put, known + timedelta(hours=6),
                                estimated_revenue_in_pricing_currency=Decimal("3.33"))
            elif self.maybe(0.05):
                self.sink.again("DailyUsageFeed", put, known + timedelta(hours=9), delete=True)

    def make_visits(self):
        tags = ["_ptnr_a", "x_ptnr_b", "ads_1", "Ads_2", "blog", "-dash", "_ptnr_a", ""]
        asins = [p["asin"] for p in self.pages] + ["B0NOPAGE"]
        paths = ["/marketplace/pp/{a}/ref={t}", "/marketplace/pp/{a}/ref={t}?x=1",
                 "/marketplace/pp/{a}/ref={t}/more#end", "/marketplace/pp/{a}?ref={t}",
                 "/marketplace/search/ref={t}", "/marketplace/pp/{a}"]
        for _ in range(260):
            at = self.day(-self.rng.choice([1, 1, 1, 2, 3, 5, 7, 20, 31, 32]))
            path = self.rng.choice(paths[:1] * 6 + paths).format(
                a=self.rng.choice(asins), t=self.rng.choice(tags))
            row = {"occurred_at": at, "session_id": f"s{self.rng.randrange(60)}",
                   "account_id": self.rng.choice(self.buyers + [None] * 4), "path": path,
                   "event": self.rng.choice(["view", "view", "subscribe_open"])}
            self.sink.supplement("SiteVisits", at, row)
            if self.maybe(0.1):
                self.sink.supplement("SiteVisits", at + timedelta(days=1), row)  # again, in a later batch
            if self.maybe(0.1):  # the same instant, another tag
                self.sink.supplement("SiteVisits", at, dict(
                    row, path=f"/marketplace/pp/{self.rng.choice(asins)}/ref=tie"))

    def make_launches(self):
        for _ in range(40):
            at = self.day(-self.rng.choice([1, 1, 2, 0]))
            row = {"launched_at": at, "account_id": self.rng.choice(self.buyers + [self.stranger]),
                   "product_id": self.rng.choice(self.products[:3] + [self.unknown_product]),
                   "instance_type": self.rng.choice(["m5.large", "t3.nano"]),
                   "instance_id": self.id("i")}
            self.sink.supplement("InstanceLaunches", at, row)

    def make_details(self):
        for i in range(30):
            offer, product = self.offers[i % 4]
            began = self.day(-self.rng.choice([1, 1, 15, 31, 40]), 0)
            ended = began + timedelta(days=self.rng.choice([14, 30, 60])) if i % 3 else None
            if i % 5 == 1:
                ended = self.day(-1, 0)
                began = min(began, ended - timedelta(days=10))
            self.detail(offer, began, ended, "true" if i % 2 else "false",
                        f"{self.rng.randrange(4):012}")

    def detail(self, offer, began, ended, trial, subscriber):
        self.sink.supplement("AgreementDetails", began, {
            "vendor_display_name": "Seller", "vendor_aws_account_id": SELLER_NUMBER,
            "subscriber_aws_account_id": subscriber, "product_title": "as listed",
            "offer_id": offer, "agreement_id": self.id("agmt"),
            "agreement_acceptance_date": began, "agreement_start_date": began,
            "agreement_end_date": ended or "1-JAN-9999",
            "is_free_trial_offer": trial, "total_contract_value": "10"})

    # -- tax items ---------------------------------------------------------------------------------

    def make_tax(self):
        for i in range(45):
            at = self.day(-self.rng.randrange(5, 75))
            country, state, city, postal = self.rng.choice(CITIES)
            kind = self.rng.choice(["AWS", "AWS", "REFUND", "TAXONLYREFUND"])
            price = self.amount() * (1 if kind == "AWS" else -1)
            line = {"invoice_id": f"{self.rng.randrange(10 ** 9)}", "line_item_id": f"{710 + i}" + "0" * 15,
                    "customer_bill_id": f"00{i}", "tax_liable_party": self.rng.choice(["AWS", "Seller", None]),
                    "transaction_type_code": kind, "product_tax_code": "AWSMP_SOFTWARE_RA",
                    "product_id": self.rng.choice(self.products + [self.unknown_product]),
                    "invoice_date": at, "taxed_customer_account_id": self.rng.choice(self.buyers),
                    "taxed_customer_country": country, "taxed_customer_state_or_region": state,
                    "taxed_customer_city": city, "taxed_customer_postal_code": postal,
                    "tax_type_code": "Sales", "display_price_taxability_type": "Exclusive",
                    "tax_currency": "USD", "tax_calculation_reason_code": "Taxable",
                    "date_used_for_tax_calculation": at - timedelta(days=2),
                    "customer_exemption_code": self.rng.choice([None, "RESALE"]),
                    "transaction_reference_id": self.id("ref")}
            for level in ("State", "County", "City", "District")[: 1 + i % 4]:
                taxed = price if self.maybe(0.7) else Decimal(0)
                rate = Decimal(self.rng.randrange(1, 10 ** 8)) / 10 ** 9
                row = dict(line, tax_item_id=self.id("tax"), jurisdiction_level=level,
                           taxed_jurisdiction=f"{level} 1", taxable_amount=taxed,
                           tax_location_code_taxed_jurisdiction=f"{i:09}",
                           nontaxable_amount=price - taxed, tax_jurisdiction_rate=rate,
                           tax_amount=(taxed * rate).quantize(Decimal("0.0000000001")))
                put = self.sink.put("TaxItemFeed", row, at, self.late(at))
                if self.maybe(0.1):
                    self.sink.again("TaxItemFeed", put, put["update_date"])
