-- One row per tax item of the month's invoices to customers in the U.S.: one line and one jurisdiction.
with
items as (
    -- R21
    select *
    from known_tax
    where invoice_date >= $interval_start
        and invoice_date < $interval_end
        and period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
        and taxed_customer_country = 'US'
),
totals as (
    -- R21: per invoice, line and transaction type; each jurisdiction repeats the line's price
    select
        *,
        sum(tax_amount) over line as total_tax,
        min(coalesce(taxable_amount, 0) + coalesce(nontaxable_amount, 0)) over line as lowest_price,
        max(coalesce(taxable_amount, 0) + coalesce(nontaxable_amount, 0)) over line as highest_price
    from items
    window line as (partition by invoice_id, line_item_id, transaction_type_code)
),
billed as (
    -- R41: the end user stands on the transaction's billing events; R4: what is known at $known_at
    select transaction_reference_id, max(end_user_account_id) as end_user_account_id
    from fct_invoice as i
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and transaction_type like 'SELLER_%'
        and exists (select 1 from items as t where t.transaction_reference_id = i.transaction_reference_id)
    group by transaction_reference_id
),
products as (
    select product_id, title, product_code, revision_from, revision_to
    from known_product
),
seller as (
    select min(account_id) as account_id
    from known_account
    where aws_account_id = $seller_account
),
seller_names as (
    select c.revision_from, c.revision_to, coalesce(c.tax_legal_name, a.company_name) as seller_name
    from seller as s
    inner join known_account as c on s.account_id = c.account_id
    left join known_address as a on c.mailing_address_id = a.address_id
)
select
    t.line_item_id,
    t.customer_bill_id,
    p.title as product_name,
    p.product_code,
    t.product_tax_code,
    -- R21: the account that the feed is made for
    $seller_account as seller_id,
    n.seller_name,
    cast(t.invoice_date as date) as transaction_date,
    case when abs(t.lowest_price) > abs(t.highest_price) then t.lowest_price else t.highest_price end as total_adjusted_price,
    t.total_tax,
    t.tax_currency as base_currency_code,
    t.taxed_customer_city as bill_to_city,
    t.taxed_customer_state_or_region as bill_to_state,
    t.taxed_customer_postal_code as bill_to_postal_code,
    t.taxed_customer_country as bill_to_country,
    t.transaction_type_code,
    t.display_price_taxability_type,
    t.tax_location_code_taxed_jurisdiction,
    t.tax_type_code,
    t.jurisdiction_level,
    t.taxed_jurisdiction,
    t.taxable_amount as taxable_sale_amount,
    t.nontaxable_amount as nontaxable_sale_amount,
    t.tax_amount,
    t.tax_jurisdiction_rate as tax_jurisdiction_tax_rate,
    t.tax_calculation_reason_code,
    cast(t.date_used_for_tax_calculation as date) as date_used_for_tax_calculation,
    t.customer_exemption_certificate_id,
    t.customer_exemption_certificate_id_domain,
    t.customer_exemption_certificate_level,
    t.customer_exemption_code,
    t.customer_exemption_domain,
    -- R41
    coalesce(b.end_user_account_id, t.taxed_customer_account_id) as customer_reference_id,
    t.transaction_reference_id,
    t.taxed_customer_account_id as payer_reference_id,
    t.tax_liable_party,
    t.invoice_id,
    t.tax_item_id
from totals as t
-- R5: product and account as of the invoice date
left join products as p
    on t.product_id = p.product_id
    and t.invoice_date >= p.revision_from
    and (p.revision_to is null or t.invoice_date < p.revision_to)
left join seller_names as n
    on t.invoice_date >= n.revision_from
    and (n.revision_to is null or t.invoice_date < n.revision_to)
left join billed as b
    on t.transaction_reference_id = b.transaction_reference_id
