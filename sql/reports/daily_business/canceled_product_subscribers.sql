-- One row per agreement and product whose subscription was cancelled, terminated or expired on the day.
with
subscriptions as (
    select * from known_subscription
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
offers as (
    select offer_id, offer_visibility from known_offer_visibility
),
accounts as (
    -- R19: the account as of the end of the day; the tax address, then the mailing address
    select account_id, aws_account_id, coalesce(tax_address_id, mailing_address_id) as address_id
    from known_account
    where revision_from < $interval_end and (revision_to is null or revision_to >= $interval_end)
),
addresses as (
    select address_id, country_code, state_or_region, city, postal_code, email_domain from known_address
),
first_ended as (
    -- R35: the revision that turned the status; RENEWED, REPLACED and SUPERSEDED go on under another agreement
    select agreement_id, min(valid_from) as valid_from
    from subscriptions
    where status in ('CANCELLED', 'TERMINATED', 'EXPIRED')
    group by agreement_id
),
ended_subscriptions as (
    -- R35: with its end on the day; without an end, the turn itself
    select s.*
    from first_ended as f
    inner join subscriptions as s
        on f.agreement_id = s.agreement_id and f.valid_from = s.valid_from
    where coalesce(s.end_time, s.valid_from) >= $interval_start
        and coalesce(s.end_time, s.valid_from) < $interval_end
),
final as (
    -- agreements do not name a payer: the account that accepted stands for it
    select
        s.acceptor_account_id as customer_reference_id, -- R41
        d.state_or_region as users_state,
        d.country_code as users_country,
        p.title as product_title,
        p.product_code,
        cast(s.start_time as date) as subscribed_date, -- R35
        s.offer_id,
        o.offer_visibility, -- R24
        a.aws_account_id as customer_aws_account_number,
        d.country_code as customer_country,
        d.state_or_region as customer_state,
        d.city as customer_city,
        d.postal_code as customer_zip_code,
        d.email_domain as customer_email_domain,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        s.acceptor_account_id as payer_reference_id, -- R41
        a.address_id as payer_address_id, -- R41
        s.agreement_id,
        s.product_id
    from ended_subscriptions as s
    left join products as p
        on s.product_id = p.product_id
    left join offers as o
        on s.offer_id = o.offer_id
    left join accounts as a
        on s.acceptor_account_id = a.account_id
    left join addresses as d
        on a.address_id = d.address_id
)
select * from final
