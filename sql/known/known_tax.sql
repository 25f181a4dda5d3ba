-- One row per tax item: its latest revision, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_tax
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
repeated as (
    select *, row_number() over (partition by tax_item_id order by valid_from desc) as nth
    from known
    where is_repeated
),
latest as (
    select
        tax_item_id,
        invoice_id,
        line_item_id,
        customer_bill_id,
        taxed_customer_account_id,
        product_id,
        transaction_reference_id,
        tax_invoice_id,
        tax_liable_party,
        transaction_type_code,
        product_tax_code,
        taxed_customer_country,
        taxed_customer_state_or_region,
        taxed_customer_city,
        taxed_customer_postal_code,
        tax_location_code_taxed_jurisdiction,
        tax_type_code,
        jurisdiction_level,
        taxed_jurisdiction,
        display_price_taxability_type,
        tax_calculation_reason_code,
        customer_exemption_certificate_id,
        customer_exemption_certificate_id_domain,
        customer_exemption_certificate_level,
        customer_exemption_code,
        customer_exemption_domain,
        taxable_amount,
        nontaxable_amount,
        tax_jurisdiction_rate,
        tax_amount,
        tax_currency,
        legal_amount,
        legal_currency,
        invoice_date,
        date_used_for_tax_calculation,
        tax_invoice_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line
    from known
    where not is_repeated
    union all
    select
        tax_item_id,
        invoice_id,
        line_item_id,
        customer_bill_id,
        taxed_customer_account_id,
        product_id,
        transaction_reference_id,
        tax_invoice_id,
        tax_liable_party,
        transaction_type_code,
        product_tax_code,
        taxed_customer_country,
        taxed_customer_state_or_region,
        taxed_customer_city,
        taxed_customer_postal_code,
        tax_location_code_taxed_jurisdiction,
        tax_type_code,
        jurisdiction_level,
        taxed_jurisdiction,
        display_price_taxability_type,
        tax_calculation_reason_code,
        customer_exemption_certificate_id,
        customer_exemption_certificate_id_domain,
        customer_exemption_certificate_level,
        customer_exemption_code,
        customer_exemption_domain,
        taxable_amount,
        nontaxable_amount,
        tax_jurisdiction_rate,
        tax_amount,
        tax_currency,
        legal_amount,
        legal_currency,
        invoice_date,
        date_used_for_tax_calculation,
        tax_invoice_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line
    from repeated
    where nth = 1
),
old_products as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'PRODUCT'
)
select
    t.tax_item_id,
    t.invoice_id,
    t.line_item_id,
    t.customer_bill_id,
    t.taxed_customer_account_id,
    coalesce(p.new_id, t.product_id) as product_id,
    t.transaction_reference_id,
    t.tax_invoice_id,
    t.tax_liable_party,
    t.transaction_type_code,
    t.product_tax_code,
    t.taxed_customer_country,
    t.taxed_customer_state_or_region,
    t.taxed_customer_city,
    t.taxed_customer_postal_code,
    t.tax_location_code_taxed_jurisdiction,
    t.tax_type_code,
    t.jurisdiction_level,
    t.taxed_jurisdiction,
    t.display_price_taxability_type,
    t.tax_calculation_reason_code,
    t.customer_exemption_certificate_id,
    t.customer_exemption_certificate_id_domain,
    t.customer_exemption_certificate_level,
    t.customer_exemption_code,
    t.customer_exemption_domain,
    t.taxable_amount,
    t.nontaxable_amount,
    t.tax_jurisdiction_rate,
    t.tax_amount,
    t.tax_currency,
    t.legal_amount,
    t.legal_currency,
    t.invoice_date,
    t.date_used_for_tax_calculation,
    t.tax_invoice_date,
    t.valid_from,
    t.period_month,
    t._instance,
    t._file_id,
    t._line
from latest as t
left join old_products as p on t.product_id = p.legacy_id
