-- One row per transaction reference, product, disbursement, end user and currency: what the disbursement paid for it.
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
        bank_trace_id,
        end_user_account_id,
        paid_currency,
        -- R9: the greatest payer of the row
        max(payer_account_id) as payer_account_id,
        max(billing_address_id) as billing_address_id,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_REV_SHARE') as seller_rev,
        -sum(paid_amount) filter (where transaction_type = 'AWS_REV_SHARE') as aws_ref_fee,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_REV_SHARE_REFUND') as seller_rev_refund,
        -sum(paid_amount) filter (where transaction_type = 'AWS_REV_SHARE_REFUND') as aws_ref_fee_refund,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_REV_SHARE_CREDIT') as seller_rev_credit,
        -sum(paid_amount) filter (where transaction_type = 'AWS_REV_SHARE_CREDIT') as aws_ref_fee_credit,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_TAX_SHARE') as seller_tax,
        -sum(paid_amount) filter (where transaction_type = 'SELLER_TAX_SHARE_REFUND') as seller_tax_refund
    from lines
    group by transaction_reference_id, product_id, disbursement_id, bank_trace_id, end_user_account_id, paid_currency
),
rounded as (
    -- R7, R7a: summed exactly, then rounded once
    select
        transaction_reference_id,
        product_id,
        disbursement_id,
        end_user_account_id,
        paid_currency,
        payer_account_id,
        billing_address_id,
        round(coalesce(seller_rev, 0), 2) as sellerrev,
        round(coalesce(aws_ref_fee, 0), 2) as awsreffee,
        round(coalesce(seller_rev_refund, 0), 2) as sellerrevrefund,
        round(coalesce(aws_ref_fee_refund, 0), 2) as awsreffeerefund,
        round(coalesce(seller_rev_credit, 0), 2) as sellerrevcredit,
        round(coalesce(aws_ref_fee_credit, 0), 2) as awsreffeecredit,
        round(coalesce(seller_tax, 0), 2) as sellerussalestax,
        round(coalesce(seller_tax_refund, 0), 2) as sellerussalestaxrefund
    from amounts
),
payers as (
    -- R5: latest account
    select account_id, aws_account_id, tax_address_id, mailing_address_id
    from known_account
    where is_latest
),
addressed as (
    -- R19: tax, then billing, then mailing address
    select
        r.*,
        p.aws_account_id,
        coalesce(p.tax_address_id, r.billing_address_id, p.mailing_address_id) as address_id
    from rounded as r
    left join payers as p on r.payer_account_id = p.account_id
),
products as (
    -- R5: latest title and code
    select product_id, title, product_code
    from known_product
    where is_latest
)
select
    p.title as product,
    p.product_code,
    r.sellerrev,
    r.awsreffee,
    r.sellerrevrefund,
    r.awsreffeerefund,
    r.sellerrevcredit,
    r.awsreffeecredit,
    -- R8: the six rounded columns; fees are negative as in the feed, tax is not part of it, the cost of resale is inside SellerRev
    r.sellerrev + r.awsreffee + r.sellerrevrefund + r.awsreffeerefund + r.sellerrevcredit + r.awsreffeecredit as net_amount,
    r.transaction_reference_id,
    r.sellerussalestax,
    r.sellerussalestaxrefund,
    r.aws_account_id as customer_aws_account_number,
    a.country_code as customer_country,
    a.state_or_region as customer_state,
    a.city as customer_city,
    a.postal_code as customer_zip_code,
    a.email_domain as customer_email_domain,
    -- R39: no feed has solutions
    cast(null as text) as solution_title,
    cast(null as text) as solution_id,
    -- R41
    r.payer_account_id as payer_reference_id,
    r.address_id as payer_address_id,
    -- R14
    r.paid_currency as currency,
    r.disbursement_id,
    r.product_id,
    r.end_user_account_id
from addressed as r
left join known_address as a on r.address_id = a.address_id
left join products as p on r.product_id = p.product_id
