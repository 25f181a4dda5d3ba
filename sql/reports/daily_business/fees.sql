-- One row per invoiced fee, refund or credit of an agreement with an end or a payment schedule.
with
invoiced as (
    -- R34: what was invoiced for the seller on the day; what it pays a manufacturer is no fee
    select *
    from known_invoice
    where period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
        and invoice_date >= $interval_start
        and invoice_date < $interval_end
        and action = 'INVOICED'
        and transaction_type in ('SELLER_REV_SHARE', 'SELLER_REV_SHARE_REFUND', 'SELLER_REV_SHARE_CREDIT')
        and not is_resale_cost
),
agreements as (
    select agreement_id, start_time, end_time, revision_from, revision_to from known_agreement
),
agreed as (
    select agreement_id as lasting_agreement_id from known_agreement where is_first and end_time is not null
),
scheduled as (
    select distinct agreement_id as scheduled_agreement_id from known_agreement_charge
),
terms as (
    select agreement_id, term_type from known_pricing_term
),
dimensions as (
    -- an event does not name its dimension: it is told where the agreement has just one
    select agreement_id, min(dimension_key) as dimension_key, sum(quantity) as quantity
    from known_agreement_dimension
    group by agreement_id
    having min(dimension_key) = max(dimension_key)
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
accounts as (
    select account_id, aws_account_id, tax_address_id, mailing_address_id, revision_from, revision_to from known_account
),
addresses as (
    select address_id, country_code, state_or_region, city, postal_code, email_domain from known_address
),
fees as (
    -- R34: the agreement was made with an end (R17) or has a payment schedule; its dates are as of the invoice date (R3)
    select i.*, a.start_time, a.end_time
    from invoiced as i
    left join agreements as a
        on i.agreement_id = a.agreement_id
        and a.revision_from <= i.invoice_date
        and (a.revision_to is null or a.revision_to > i.invoice_date)
    left join agreed as l on i.agreement_id = l.lasting_agreement_id
    left join scheduled as s
        on i.agreement_id = s.scheduled_agreement_id
    where l.lasting_agreement_id is not null or s.scheduled_agreement_id is not null
),
with_accounts as (
    -- R5: the accounts as of the invoice date; R19: of the user, the tax, then the mailing address; of the payer, the tax, then the billing, then the mailing address
    select
        f.*,
        coalesce(u.tax_address_id, u.mailing_address_id) as user_address_id,
        p.aws_account_id as payer_aws_account_id,
        coalesce(p.tax_address_id, f.billing_address_id, p.mailing_address_id) as payer_address_id
    from fees as f
    left join accounts as u
        on f.end_user_account_id = u.account_id
        and u.revision_from <= f.invoice_date
        and (u.revision_to is null or u.revision_to > f.invoice_date)
    left join accounts as p
        on f.payer_account_id = p.account_id
        and p.revision_from <= f.invoice_date
        and (p.revision_to is null or p.revision_to > f.invoice_date)
),
final as (
    select
        f.end_user_account_id as customer_reference_id, -- R41
        ua.state_or_region as users_state,
        ua.country_code as users_country,
        p.title as product_title,
        p.product_code,
        round(f.amount, 2) as amount,
        f.currency,
        case f.transaction_type -- R34
            when 'SELLER_REV_SHARE_REFUND' then 'Refund'
            when 'SELLER_REV_SHARE_CREDIT' then 'Credit'
            else t.term_type
        end as fee_description,
        f.payer_aws_account_id as customer_aws_account_number,
        pa.country_code as customer_country,
        pa.state_or_region as customer_state,
        pa.city as customer_city,
        pa.postal_code as customer_zip_code,
        pa.email_domain as customer_email_domain,
        cast(f.start_time as date) as start_date,
        cast(f.end_time as date) as end_date,
        d.quantity,
        d.dimension_key as dimension,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        f.payer_account_id as payer_reference_id, -- R41
        f.payer_address_id, -- R41
        f.billing_event_id
    from with_accounts as f
    left join products as p
        on f.product_id = p.product_id
    left join terms as t
        on f.agreement_id = t.agreement_id
    left join dimensions as d
        on f.agreement_id = d.agreement_id
    left join addresses as ua
        on f.user_address_id = ua.address_id
    left join addresses as pa
        on f.payer_address_id = pa.address_id
)
select * from final
