//! The seventeen exports: folder, file, columns and dialect. Knows no content.

/// An export by position in [`FEEDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Export {
    Account,
    Address,
    Agreement,
    AgreementCharge,
    AgreementTerm,
    BillingEvent,
    DailyUsage,
    LegacyIdMapping,
    Offer,
    OfferProduct,
    OfferTarget,
    Product,
    TaxItem,
    SiteVisits,
    ProductPages,
    InstanceLaunches,
    AgreementDetails,
}

/// How dates and empty cells are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `2026-03-14T09:12:33Z`, empty
    Iso,
    /// `2026-03-14 09:12:33.0`, `null`
    Spaced,
}

#[derive(Clone, Copy, Debug)]
pub struct Feed {
    pub export: Export,
    pub folder: &'static str,
    pub file: &'static str,
    pub dialect: Dialect,
    /// One file per month of delivery, else one file.
    pub monthly: bool,
    pub columns: &'static [&'static str],
    /// Followed by `valid_from, insert_date, update_date, delete_date`.
    pub history: bool,
}

pub const HISTORY: [&str; 4] = ["valid_from", "insert_date", "update_date", "delete_date"];

const fn feed(export: Export, folder: &'static str, dialect: Dialect, columns: &'static [&'static str]) -> Feed {
    Feed { export, folder, file: "data.csv", dialect, monthly: true, columns, history: true }
}

pub const FEEDS: [Feed; 17] = [
    feed(
        Export::Account,
        "AccountFeed_V1",
        Dialect::Iso,
        &[
            "account_id",
            "aws_account_id",
            "encrypted_account_id",
            "mailing_address_id",
            "tax_address_id",
            "tax_registration_number",
            "tax_legal_name",
            "catalog",
        ],
    ),
    feed(
        Export::Address,
        "AddressFeed_V1",
        Dialect::Iso,
        &[
            "address_id",
            "email_domain",
            "company_name",
            "country_code",
            "state_or_region",
            "city",
            "postal_code",
            "address_line_1",
            "address_line_2",
            "address_line_3",
        ],
    ),
    feed(
        Export::Agreement,
        "AgreementFeed_V1",
        Dialect::Spaced,
        &[
            "status",
            "currency_code",
            "estimated_agreement_value",
            "agreement_id",
            "license_ids",
            "proposer_account_id",
            "acceptor_account_id",
            "offer_id",
            "offer_set_id",
            "offer_revision_at_acceptance",
            "start_time",
            "end_time",
            "acceptance_time",
            "intent",
            "preceding_agreement_id",
            "status_reason_code",
            "catalog",
        ],
    ),
    feed(Export::AgreementCharge, "AgreementChargeFeed_V1", Dialect::Spaced, &["currency_code", "amount", "time", "agreement_id", "term_id"]),
    feed(Export::AgreementTerm, "AgreementTermFeed_V1", Dialect::Spaced, &["agreement_id", "term_id", "term_type", "term_configuration"]),
    feed(
        Export::BillingEvent,
        "BillingEventFeed_V1",
        Dialect::Iso,
        &[
            "billing_event_id",
            "from_account_id",
            "to_account_id",
            "end_user_account_id",
            "product_id",
            "action",
            "transaction_type",
            "parent_billing_event_id",
            "disbursement_billing_event_id",
            "currency",
            "amount",
            "disbursement_currency",
            "disbursement_amount",
            "balance_impacting",
            "invoice_date",
            "payment_due_date",
            "usage_period_start_date",
            "usage_period_end_date",
            "invoice_id",
            "billing_address_id",
            "transaction_reference_id",
            "buyer_transaction_reference_id",
            "bank_trace_id",
            "broker_id",
            "action_date",
            "recipient_account_id",
            "offer_id",
            "buyer_invoice_date",
            "line_item_id",
            "buyer_line_item_id",
            "charge_variant",
            "charge_side",
            "agreement_id",
            "buyer_invoice_id",
            "invoice_variant",
            "disbursement_reference_number",
            "catalog",
        ],
    ),
    feed(
        Export::DailyUsage,
        "DailyUsageFeed_V1",
        Dialect::Iso,
        &[
            "usage_feed_id",
            "usage_date",
            "product_id",
            "agreement_id",
            "end_user_account_id",
            "payer_account_id",
            "region",
            "dimension_key",
            "usage_unit",
            "usage_quantity",
            "pricing_currency",
            "estimated_revenue_in_pricing_currency",
            "recipient_account_id",
            "offer_id",
            "usage_rate_per_unit_in_pricing_currency",
            "charge_item_description",
        ],
    ),
    feed(Export::LegacyIdMapping, "LegacyIdMappingFeed_V1", Dialect::Iso, &["mapping_type", "legacy_id", "new_id"]),
    feed(
        Export::Offer,
        "OfferFeed_V1",
        Dialect::Iso,
        &[
            "offer_id",
            "offer_revision",
            "name",
            "expiration_date",
            "opportunity_name",
            "opportunity_description",
            "seller_account_id",
            "opportunity_id",
            "recipient_account_id",
        ],
    ),
    feed(Export::OfferProduct, "OfferProductFeed_V1", Dialect::Iso, &["offer_id", "offer_revision", "product_id"]),
    feed(Export::OfferTarget, "OfferTargetFeed_V1", Dialect::Iso, &["offer_target_id", "offer_id", "offer_revision", "target_type", "polarity", "value"]),
    feed(Export::Product, "ProductFeed_V1", Dialect::Iso, &["product_id", "manufacturer_account_id", "product_code", "title"]),
    feed(
        Export::TaxItem,
        "TaxItemFeed_V1",
        Dialect::Iso,
        &[
            "tax_item_id",
            "invoice_id",
            "line_item_id",
            "customer_bill_id",
            "tax_liable_party",
            "transaction_type_code",
            "product_id",
            "product_tax_code",
            "invoice_date",
            "taxed_customer_account_id",
            "taxed_customer_country",
            "taxed_customer_state_or_region",
            "taxed_customer_city",
            "taxed_customer_postal_code",
            "tax_location_code_taxed_jurisdiction",
            "tax_type_code",
            "jurisdiction_level",
            "taxed_jurisdiction",
            "display_price_taxability_type",
            "taxable_amount",
            "nontaxable_amount",
            "tax_jurisdiction_rate",
            "tax_amount",
            "tax_currency",
            "tax_calculation_reason_code",
            "date_used_for_tax_calculation",
            "customer_exemption_certificate_id",
            "customer_exemption_certificate_id_domain",
            "customer_exemption_certificate_level",
            "customer_exemption_code",
            "customer_exemption_domain",
            "transaction_reference_id",
            "legal_amount",
            "legal_currency",
            "tax_invoice_id",
            "tax_invoice_date",
        ],
    ),
    Feed {
        export: Export::SiteVisits,
        folder: "SiteVisits",
        file: "visits.csv",
        dialect: Dialect::Iso,
        monthly: true,
        columns: &["occurred_at", "session_id", "account_id", "path", "event"],
        history: false,
    },
    Feed {
        export: Export::ProductPages,
        folder: "ProductPages",
        file: "products.csv",
        dialect: Dialect::Iso,
        monthly: false,
        columns: &["asin", "product_code", "title"],
        history: false,
    },
    Feed {
        export: Export::InstanceLaunches,
        folder: "InstanceLaunches",
        file: "launches.csv",
        dialect: Dialect::Iso,
        monthly: true,
        columns: &["launched_at", "account_id", "product_id", "instance_type", "instance_id"],
        history: false,
    },
    Feed {
        export: Export::AgreementDetails,
        folder: "AgreementDetails",
        file: "data.csv",
        dialect: Dialect::Iso,
        monthly: true,
        columns: &[
            "vendor_display_name",
            "vendor_aws_account_id",
            "subscriber_aws_account_id",
            "customer_id",
            "product_title",
            "offer_id",
            "offer_visibility",
            "reseller_name",
            "reseller_aws_account_id",
            "agreement_id",
            "agreement_acceptance_date",
            "agreement_start_date",
            "agreement_end_date",
            "is_free_trial_offer",
            "total_contract_value",
        ],
        history: false,
    },
];

impl Feed {
    pub fn header(&self) -> Vec<&'static str> {
        let history: &[&str] = if self.history { &HISTORY } else { &[] };
        self.columns.iter().chain(history).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_finds_its_feed() {
        for (at, feed) in FEEDS.iter().enumerate() {
            assert_eq!(feed.export as usize, at, "{}", feed.folder);
        }
    }
}
