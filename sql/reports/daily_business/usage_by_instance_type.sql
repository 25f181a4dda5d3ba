-- One row per usage day, end user, product, instance type, unit, offer, currency and payer.
with
usage_lines as (
    select *
    from known_usage
    where period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
        and usage_date >= cast($interval_start as date)
        and usage_date < cast($interval_end as date)
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
offers as (
    select offer_id, offer_visibility from known_offer_visibility
),
accounts as (
    -- R19: of usage, the tax address, then the mailing address
    select account_id, aws_account_id, coalesce(tax_address_id, mailing_address_id) as address_id, revision_from, revision_to
    from known_account
),
addresses as (
    select address_id, country_code, state_or_region, city, postal_code, email_domain from known_address
),
usage_rows as (
    -- R23: the dimension is the instance type; units are not rounded, revenue is summed before it is rounded
    select
        usage_date,
        arrow_cast(usage_date + 1, 'Timestamp(Microsecond, Some("UTC"))') as day_end,
        end_user_account_id,
        payer_account_id,
        product_id,
        dimension_key,
        usage_unit,
        offer_id,
        pricing_currency,
        -- the term stands first in `term | region | dimension`; R23 has no row per term, so the first in byte order stands for all
        min(split_part(charge_item_description, ' | ', 1)) as offering_description,
        sum(usage_quantity) as usage_units,
        sum(estimated_revenue_in_pricing_currency) as estimated_revenue
    from usage_lines
    group by usage_date, end_user_account_id, payer_account_id, product_id, dimension_key, usage_unit, offer_id, pricing_currency
),
with_accounts as (
    -- R5: the accounts as of the end of the usage day
    select
        r.*,
        u.address_id as user_address_id,
        p.aws_account_id as payer_aws_account_id,
        p.address_id as payer_address_id
    from usage_rows as r
    left join accounts as u
        on r.end_user_account_id = u.account_id
        and u.revision_from < r.day_end
        and (u.revision_to is null or u.revision_to >= r.day_end)
    left join accounts as p
        on r.payer_account_id = p.account_id
        and p.revision_from < r.day_end
        and (p.revision_to is null or p.revision_to >= r.day_end)
),
final as (
    select
        r.end_user_account_id as customer_reference_id, -- R41
        ua.state_or_region as users_state,
        ua.country_code as users_country,
        p.title as product_title,
        p.product_code,
        r.dimension_key as instance_type,
        r.usage_units,
        r.usage_unit as usage_unit_type,
        r.offering_description,
        round(r.estimated_revenue, 2) as estimated_revenue,
        r.pricing_currency as currency,
        r.offer_id,
        o.offer_visibility, -- R24
        r.payer_aws_account_id as customer_aws_account_number,
        pa.country_code as customer_country,
        pa.state_or_region as customer_state,
        pa.city as customer_city,
        pa.postal_code as customer_zip_code,
        pa.email_domain as customer_email_domain,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        r.payer_account_id as payer_reference_id, -- R41
        r.payer_address_id, -- R41
        r.usage_date,
        r.product_id
    from with_accounts as r
    left join products as p
        on r.product_id = p.product_id
    left join offers as o
        on r.offer_id = o.offer_id
    left join addresses as ua
        on r.user_address_id = ua.address_id
    left join addresses as pa
        on r.payer_address_id = pa.address_id
)
select * from final
