-- One row per disbursement, currency and location of the payer.
with
lines as (
    select * from known_disbursement
),
-- Disbursed lines carry the opposite sign of the invoice's: turned round, refunds are negative and fees too.
amounts as (
    -- R25: in the currency it is paid in
    select
        transaction_reference_id,
        product_id,
        disbursement_id,
        end_user_account_id,
        paid_currency,
        -- R9: the greatest payer of the reference's row in the first section
        max(payer_account_id) as payer_account_id,
        max(billing_address_id) as billing_address_id,
        -sum(paid_amount) filter (
            where transaction_type in (
                'SELLER_REV_SHARE', 'AWS_REV_SHARE',
                'SELLER_REV_SHARE_REFUND', 'AWS_REV_SHARE_REFUND',
                'SELLER_REV_SHARE_CREDIT', 'AWS_REV_SHARE_CREDIT'
            )
        ) as net,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_REV_SHARE') as gross,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_TAX_SHARE') as seller_tax,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_TAX_SHARE_REFUND') as seller_tax_refund
    from lines
    group by transaction_reference_id, product_id, disbursement_id, end_user_account_id, paid_currency
),
payers as (
    -- R5: latest account
    select account_id, aws_account_id, tax_address_id, mailing_address_id
    from known_account
    where is_latest
),
located as (
    -- R19: tax, then billing, then mailing address
    select
        m.disbursement_id,
        m.paid_currency,
        a.country_code,
        a.state_or_region,
        a.city,
        a.postal_code,
        m.net,
        m.gross,
        m.seller_tax,
        m.seller_tax_refund
    from amounts as m
    left join payers as p on m.payer_account_id = p.account_id
    left join known_address as a
        on coalesce(p.tax_address_id, m.billing_address_id, p.mailing_address_id) = a.address_id
),
locations as (
    select
        disbursement_id,
        paid_currency,
        country_code,
        state_or_region,
        city,
        postal_code,
        coalesce(sum(net), 0) as net,
        coalesce(sum(gross), 0) as gross,
        coalesce(sum(seller_tax), 0) as seller_tax,
        coalesce(sum(seller_tax_refund), 0) as seller_tax_refund
    from located
    group by disbursement_id, paid_currency, country_code, state_or_region, city, postal_code
),
disbursements as (
    select disbursement_id, paid_amount, disbursed_at, previous_disbursed_at
    from known_disbursement_event
)
select
    -- R20
    l.disbursement_id as settlement_id,
    d.previous_disbursed_at as settlement_period_start_date,
    d.disbursed_at as settlement_period_end_date,
    d.disbursed_at as deposit_date,
    round(d.paid_amount, 2) as disbursed_amount,
    l.country_code,
    l.state_or_region,
    l.city,
    l.postal_code,
    -- R8: the six types without tax, rounded after the sum per location
    round(l.net, 2) as net_amount_by_tax_location,
    round(l.gross, 2) as gross_amount_by_tax_location,
    round(l.seller_tax, 2) as seller_us_sales_tax,
    round(l.seller_tax_refund, 2) as seller_us_sales_tax_refund,
    -- R14
    l.paid_currency as currency
from locations as l
inner join disbursements as d on l.disbursement_id = d.disbursement_id
