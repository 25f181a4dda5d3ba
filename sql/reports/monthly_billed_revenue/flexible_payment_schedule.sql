-- One row per scheduled charge of the agreements with a payment schedule that were accepted in the month.
with
charges as (
    select * from known_agreement_charge
),
agreements as (
    -- R37: accepted in the covered month, by the newest revision
    select agreement_id, offer_id, acceptor_account_id, acceptance_time, end_time
    from known_agreement
    where is_latest
        and acceptance_time >= $interval_start
        and acceptance_time < $interval_end
),
offer_products as (
    -- a schedule is for the whole offer: of several products the first one by id stands for it
    select offer_id, min(product_id) as product_id from known_offer_product group by offer_id
),
products as (
    -- R5: titles and codes are the latest
    select product_id, title from known_product where is_latest
),
accounts as (
    -- R19: tax address, then mailing address; there is no billing address before the invoice
    select account_id, aws_account_id, coalesce(tax_address_id, mailing_address_id) as address_id, revision_from, revision_to
    from known_account
),
addresses as (
    select address_id, country_code, state_or_region, city, postal_code, email_domain from known_address
),
totals as (
    -- R37: number and total of the charges, per currency
    select agreement_id, currency_code, sum(amount) as total_amount, count(*) as payments
    from charges
    group by agreement_id, currency_code
),
scheduled as (
    select
        c.agreement_id,
        c.term_id,
        c.charge_time,
        c.amount,
        c.currency_code,
        t.total_amount,
        t.payments,
        a.offer_id,
        a.acceptor_account_id,
        a.acceptance_time,
        a.end_time
    from agreements as a
    inner join charges as c
        on a.agreement_id = c.agreement_id
    inner join totals as t
        on c.agreement_id = t.agreement_id and c.currency_code = t.currency_code
),
final as (
    -- agreements do not name a payer: the account that accepted stands for it
    select
        b.aws_account_id as customer_aws_account_number,
        d.country_code as customer_country,
        d.state_or_region as customer_state,
        d.city as customer_city,
        d.postal_code as customer_zip_code,
        d.email_domain as customer_email_domain,
        s.acceptor_account_id as user_reference_id, -- R41
        b.aws_account_id as user_aws_account_number,
        o.product_id,
        p.title as product_title,
        cast(null as text) as product_type, -- no feed has it
        s.offer_id as aws_marketplace_offer_id,
        cast(s.acceptance_time as date) as contract_create_date,
        cast(s.end_time as date) as contract_expiration_date,
        round(s.total_amount, 2) as total_contract_value_usd,
        s.payments as of_payments,
        cast(s.charge_time as date) as invoice_date,
        round(s.amount, 2) as invoice_amount_usd,
        s.acceptor_account_id as payer_reference_id, -- R41
        s.currency_code as currency, -- R37
        s.agreement_id,
        s.term_id,
        s.charge_time
    from scheduled as s
    left join offer_products as o
        on s.offer_id = o.offer_id
    left join products as p
        on o.product_id = p.product_id
    left join accounts as b -- R5: as of the invoice date
        on s.acceptor_account_id = b.account_id
        and b.revision_from <= s.charge_time
        and (b.revision_to is null or b.revision_to > s.charge_time)
    left join addresses as d
        on b.address_id = d.address_id
)
select * from final
