-- One row per month, transaction reference, product, end user and currency: what was billed, for those who are paid by it.
with
lines as (
    -- R18: the eight types that move the balance
    select *
    from known_billed_line
    where transaction_type in (
        'SELLER_REV_SHARE', 'AWS_REV_SHARE',
        'SELLER_REV_SHARE_REFUND', 'AWS_REV_SHARE_REFUND',
        'SELLER_REV_SHARE_CREDIT', 'AWS_REV_SHARE_CREDIT',
        'SELLER_TAX_SHARE', 'SELLER_TAX_SHARE_REFUND'
    )
        and (balance_impacting = 1 or action = 'FORGIVEN')
),
amounts as (
    select
        ar_period,
        transaction_reference_id,
        product_id,
        end_user_account_id,
        currency,
        -- R9
        max(payer_account_id) as payer_account_id,
        max(billing_address_id) as billing_address_id,
        max(offer_id) as offer_id,
        max(invoice_date) as invoice_date,
        sum(amount) filter (where transaction_type = 'SELLER_REV_SHARE') as revenue,
        sum(amount) filter (where transaction_type = 'AWS_REV_SHARE') as fee,
        -- R18: credits stay out of the refunds
        sum(amount) filter (where transaction_type = 'SELLER_REV_SHARE_REFUND') as refund,
        sum(amount) filter (where transaction_type = 'AWS_REV_SHARE_REFUND') as fee_refund,
        sum(amount) as net
    from lines
    group by ar_period, transaction_reference_id, product_id, end_user_account_id, currency
),
shown as (
    -- R18: forgiven and demonstration rows come to exactly nothing
    select * from amounts where net <> 0
),
paid_addresses as (
    -- R18: first the billing address of a line that was paid; R4: what is known at $known_at
    select transaction_reference_id, from_account_id, max(billing_address_id) as billing_address_id
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and row_kind = 'line'
        and transaction_type like 'SELLER_%'
        and billing_address_id is not null
    group by transaction_reference_id, from_account_id
),
payers as (
    select account_id, aws_account_id, mailing_address_id, revision_from, revision_to
    from known_account
),
addressed as (
    -- R5: account as of the invoice date
    select
        s.*,
        p.aws_account_id,
        coalesce(d.billing_address_id, s.billing_address_id, p.mailing_address_id) as address_id
    from shown as s
    left join paid_addresses as d
        on s.transaction_reference_id = d.transaction_reference_id and s.payer_account_id = d.from_account_id
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
    s.aws_account_id as customer_aws_account_number,
    a.country_code as country,
    a.state_or_region as state,
    a.city,
    a.postal_code as zip_code,
    a.email_domain,
    p.product_code,
    p.title as product_title,
    -- R7, R7a: summed exactly, then rounded once
    round(coalesce(s.revenue, 0), 2) as gross_revenue,
    round(coalesce(s.fee, 0), 2) as aws_revenue_share,
    round(coalesce(s.refund, 0), 2) as gross_refunds,
    round(coalesce(s.fee_refund, 0), 2) as aws_refunds_share,
    -- R18: the exact sum of the eight types, rounded once
    round(s.net, 2) as net_revenue,
    s.currency,
    s.ar_period,
    s.transaction_reference_id,
    o.opportunity_name,
    o.opportunity_description,
    -- R39: no feed has solutions
    cast(null as text) as solution_title,
    cast(null as text) as solution_id,
    -- R41
    s.payer_account_id as payer_reference_id,
    s.address_id as payer_address_id,
    s.product_id,
    s.end_user_account_id
from addressed as s
left join known_address as a on s.address_id = a.address_id
left join products as p on s.product_id = p.product_id
left join offers as o on s.offer_id = o.offer_id
