-- One row per transaction reference, product, end user and currency: what the month billed for usage and agreements made without an end.
with
lines as (
    select * from known_billed_line
),
amounts as (
    -- R16: one row per reference, product, end user and currency of the month
    select
        transaction_reference_id,
        product_id,
        end_user_account_id,
        currency,
        -- R9
        max(payer_account_id) as payer_account_id,
        max(billing_address_id) as billing_address_id,
        max(offer_id) as offer_id,
        max(invoice_date) as invoice_date,
        sum(amount) filter (where transaction_type = 'SELLER_REV_SHARE' and not is_resale_cost) as billed,
        sum(amount) filter (where transaction_type = 'AWS_REV_SHARE') as fee,
        -- R16: credits are added to refunds
        sum(amount) filter (where transaction_type in ('SELLER_REV_SHARE_REFUND', 'SELLER_REV_SHARE_CREDIT')) as refund,
        sum(amount) filter (where transaction_type in ('AWS_REV_SHARE_REFUND', 'AWS_REV_SHARE_CREDIT')) as fee_refund,
        sum(amount) filter (where transaction_type = 'SELLER_REV_SHARE' and is_resale_cost) as resale_cost,
        sum(amount) filter (where transaction_type = 'SELLER_TAX_SHARE') as tax,
        sum(amount) filter (where transaction_type = 'SELLER_TAX_SHARE_REFUND') as tax_refund
    from lines
    group by transaction_reference_id, product_id, end_user_account_id, currency
    -- R17: made without an end, or without an agreement
    having not bool_or(has_end)
),
rounded as (
    -- R7, R7a: summed exactly, then rounded once; the cast names the type, which comparing a rounded value needs
    select
        *,
        cast(round(coalesce(billed, 0), 2) as decimal(38, 2)) as customer_billed_amount,
        cast(round(coalesce(fee, 0), 2) as decimal(38, 2)) as aws_listing_fee,
        cast(round(coalesce(refund, 0), 2) as decimal(38, 2)) as refunds_amount,
        cast(round(coalesce(fee_refund, 0), 2) as decimal(38, 2)) as aws_fee_refund,
        cast(round(coalesce(resale_cost, 0), 2) as decimal(38, 2)) as cost,
        cast(round(coalesce(tax, 0), 2) as decimal(38, 2)) as us_sales_tax_customer_billed_amount,
        cast(round(coalesce(tax_refund, 0), 2) as decimal(38, 2)) as us_sales_tax_refunds_amount
    from amounts
),
shown as (
    -- R16: rows of zeros are left out
    select *
    from rounded
    where customer_billed_amount <> 0
        or aws_listing_fee <> 0
        or refunds_amount <> 0
        or aws_fee_refund <> 0
        or cost <> 0
        or us_sales_tax_customer_billed_amount <> 0
        or us_sales_tax_refunds_amount <> 0
),
payers as (
    select account_id, aws_account_id, tax_address_id, mailing_address_id, revision_from, revision_to
    from known_account
),
addressed as (
    -- R5: account as of the invoice date; R19: tax, then billing, then mailing address
    select
        s.*,
        p.aws_account_id,
        coalesce(p.tax_address_id, s.billing_address_id, p.mailing_address_id) as address_id
    from shown as s
    left join payers as p
        on s.payer_account_id = p.account_id
        and s.invoice_date >= p.revision_from
        and (p.revision_to is null or s.invoice_date < p.revision_to)
),
products as (
    -- R5: latest title and code
    select product_id, title, product_code
    from known_product
    where is_latest
),
offers as (
    select offer_id, opportunity_name, opportunity_description
    from known_offer
)
select
    s.end_user_account_id as customer_reference_id,
    a.country_code as country,
    a.state_or_region as state,
    a.city,
    a.postal_code as zip_code,
    p.title as product_title,
    p.product_code,
    s.customer_billed_amount,
    s.aws_listing_fee,
    s.refunds_amount,
    s.aws_fee_refund,
    s.cost,
    -- R16: the five rounded columns, without tax
    s.customer_billed_amount + s.aws_listing_fee + s.refunds_amount + s.aws_fee_refund + s.cost as partner_revenue_amount,
    s.currency,
    s.transaction_reference_id,
    s.us_sales_tax_customer_billed_amount,
    s.us_sales_tax_refunds_amount,
    s.offer_id,
    -- R24
    v.offer_visibility,
    s.aws_account_id as customer_aws_account_number,
    a.email_domain as customer_email_domain,
    o.opportunity_name,
    o.opportunity_description,
    -- R39: no feed has solutions
    cast(null as text) as solution_title,
    cast(null as text) as solution_id,
    -- R41
    s.payer_account_id as payer_reference_id,
    s.address_id as payer_address_id,
    s.product_id
from addressed as s
left join known_address as a on s.address_id = a.address_id
left join products as p on s.product_id = p.product_id
left join offers as o on s.offer_id = o.offer_id
left join known_offer_visibility as v on s.offer_id = v.offer_id
