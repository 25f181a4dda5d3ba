-- One row per transaction reference, product, end user, currency, due date and month: what is not disbursed of it at the end of the day.
with
movements as (
    select * from known_open_receivable
),
amounts as (
    -- R15: credits are added to refunds
    select
        transaction_reference_id,
        product_id,
        end_user_account_id,
        currency,
        payment_due_on,
        ar_period,
        -- R9
        max(payer_account_id) as payer_account_id,
        max(billing_address_id) as billing_address_id,
        max(offer_id) as line_offer_id,
        max(agreement_id) as agreement_id,
        sum(amount) filter (where transaction_type = 'SELLER_REV_SHARE') as revenue,
        sum(amount) filter (where transaction_type = 'AWS_REV_SHARE') as fee,
        sum(amount) filter (where transaction_type in ('SELLER_REV_SHARE_REFUND', 'SELLER_REV_SHARE_CREDIT')) as refund,
        sum(amount) filter (where transaction_type in ('AWS_REV_SHARE_REFUND', 'AWS_REV_SHARE_CREDIT')) as fee_refund
    from movements
    group by transaction_reference_id, product_id, end_user_account_id, currency, payment_due_on, ar_period
),
rounded as (
    -- R7, R7a: summed exactly, then rounded once; the cast names the type, which comparing a rounded value needs
    select
        *,
        cast(round(coalesce(revenue, 0), 2) as decimal(38, 2)) as gross_revenue,
        cast(round(coalesce(fee, 0), 2) as decimal(38, 2)) as aws_revenue_share,
        cast(round(coalesce(refund, 0), 2) as decimal(38, 2)) as gross_refunds,
        cast(round(coalesce(fee_refund, 0), 2) as decimal(38, 2)) as aws_refunds_share
    from amounts
),
shown as (
    -- R15: rows of zeros are left out
    select *
    from rounded
    where gross_revenue <> 0 or aws_revenue_share <> 0 or gross_refunds <> 0 or aws_refunds_share <> 0
),
payers as (
    -- R5: latest account
    select account_id, aws_account_id, tax_address_id, mailing_address_id
    from known_account
    where is_latest
),
products as (
    -- R5: latest title and code
    select product_id, product_code
    from known_product
    where is_latest
),
agreements as (
    select agreement_id, offer_id
    from known_agreement
    where is_latest
),
offers as (
    select offer_id, opportunity_name, opportunity_description
    from known_offer
)
select
    a.aws_account_id as payer_aws_account_number,
    p.product_code,
    s.gross_revenue,
    s.aws_revenue_share,
    s.gross_refunds,
    s.aws_refunds_share,
    -- R15: the four rounded columns, without tax
    s.gross_revenue + s.aws_revenue_share + s.gross_refunds + s.aws_refunds_share as net_revenue,
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
    -- R19: tax, then billing, then mailing
    coalesce(a.tax_address_id, s.billing_address_id, a.mailing_address_id) as payer_address_id,
    s.payment_due_on as payment_due_date,
    s.product_id,
    s.end_user_account_id
from shown as s
left join payers as a on s.payer_account_id = a.account_id
left join products as p on s.product_id = p.product_id
left join agreements as g on s.agreement_id = g.agreement_id
left join offers as o on coalesce(s.line_offer_id, g.offer_id) = o.offer_id
