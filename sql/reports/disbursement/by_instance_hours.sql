-- One row per product, usage type, rate and currency of the usage that the day's disbursements paid for.
with
usage_lines as (
    select * from known_usage
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
periods as (
    -- R33, R38: product and usage period of the revenue that the day's disbursements paid
    select distinct
        product_id,
        cast(usage_period_start_date as date) as first_day,
        cast(usage_period_end_date as date) as last_day
    from known_disbursement
    where transaction_type = 'SELLER_REV_SHARE'
),
usage_days as (
    select distinct product_id, usage_date from usage_lines
),
paid_days as (
    -- each usage line counts once, however many disbursed rows cover its day
    select distinct u.product_id, u.usage_date
    from periods as p
    inner join usage_days as u
        on p.product_id = u.product_id
        and u.usage_date >= p.first_day
        and u.usage_date <= p.last_day
),
paid_usage as (
    select
        u.product_id,
        u.usage_type_description,
        u.usage_rate_per_unit_in_pricing_currency as rate,
        u.pricing_currency,
        u.end_user_account_id,
        -- R38: hours only where the unit is hours; usage in other units stays without
        u.usage_hours
    from paid_days as d
    inner join usage_lines as u
        on d.product_id = u.product_id and d.usage_date = u.usage_date
),
per_user as (
    select product_id, usage_type_description, rate, pricing_currency, end_user_account_id, sum(usage_hours) as usage_hours
    from paid_usage
    group by product_id, usage_type_description, rate, pricing_currency, end_user_account_id
),
summed as (
    select
        product_id,
        usage_type_description,
        rate,
        pricing_currency,
        count(end_user_account_id) as users,
        sum(usage_hours) as usage_hours
    from per_user
    group by product_id, usage_type_description, rate, pricing_currency
),
final as (
    select
        p.title as product,
        p.product_code,
        s.usage_type_description,
        s.rate,
        s.users as user_count,
        s.usage_hours as instance_hours,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        s.pricing_currency as currency, -- R14
        s.product_id
    from summed as s
    left join products as p
        on s.product_id = p.product_id
)
select * from final
