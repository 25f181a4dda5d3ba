-- One row per known version of a usage line of AWS Marketplace, as units sold on the day they were used.
with
lines as (
    select * from fct_usage
),
once as (
    select *, known_to as counted_to from lines where not has_revisions
),
revised as (
    -- a line counts until a later revision of it is known
    select
        *,
        least(
            coalesce(known_to, next_known_from),
            coalesce(next_known_from, known_to)
        ) as counted_to
    from (
        select
            *,
            min(known_from) over (
                partition by _instance, usage_feed_id order by valid_from
                rows between 1 following and unbounded following
            ) as next_known_from
        from lines
        where has_revisions
    ) as in_order
),
counted as (
    select
        product_id, dimension_key, usage_date, usage_quantity, usage_rate_per_unit_in_pricing_currency, estimated_revenue_in_pricing_currency,
        pricing_currency, known_from, counted_to, period_month, _instance, _file_id, _line
    from once
    union all
    select
        product_id, dimension_key, usage_date, usage_quantity, usage_rate_per_unit_in_pricing_currency, estimated_revenue_in_pricing_currency,
        pricing_currency, known_from, counted_to, period_month, _instance, _file_id, _line
    from revised
    where counted_to is null or counted_to > known_from
)
select
    'aws_marketplace' as channel,
    cast(null as text) as sub_channel,
    product_id as title_id,
    cast(null as text) as other_id,
    cast(null as text) as title_name,
    dimension_key as product_type,
    'ZZ' as country,
    'the feed names an account' as country_reason,
    usage_date as sold_on,
    usage_quantity as quantity,
    usage_rate_per_unit_in_pricing_currency as unit_amount,
    estimated_revenue_in_pricing_currency as amount,
    pricing_currency as currency,
    known_from,
    counted_to as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from counted
