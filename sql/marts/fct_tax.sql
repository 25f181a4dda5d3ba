-- One row per known version of a revision of a tax item: what was known of it from known_from until known_to.
with
items as (
    select * from stg_aws_tax_item
),
versions as (
    select * from int_tax_item_version
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select
        e.*,
        v.known_to,
        v.is_last_copy is not null as is_repeated
    from items as e
    left join versions as v
        on e.period_month = v.period_month and e._file_id = v._file_id and e._line = v._line
    where e.delete_date is null and coalesce(v.is_last_copy, true)
)
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
    is_repeated,
    _known_at as known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from published
