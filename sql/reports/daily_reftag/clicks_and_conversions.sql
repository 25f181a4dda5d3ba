-- One row per day, page and ref tag; one more for each further currency of the usage that the tag attracted.
with
activity as (
    select * from known_ref_activity
),
sessions as (
    -- R27, R28: distinct sessions over all events, and those with a subscribe_open
    select
        activity_day,
        asin,
        ref_tag,
        product_code,
        title,
        session_id,
        max(case when event = 'subscribe_open' then 1 else 0 end) as converted
    from activity
    where session_id is not null
    group by activity_day, asin, ref_tag, product_code, title, session_id
),
clicked as (
    select activity_day, asin, ref_tag, product_code, title, count(*) as clicks, sum(converted) as conversions
    from sessions
    group by activity_day, asin, ref_tag, product_code, title
),
used as (
    -- R32; two currencies never add
    select
        activity_day,
        asin,
        ref_tag,
        product_code,
        title,
        currency,
        coalesce(sum(usage_hours), 0) as usage_hours,
        coalesce(sum(estimated_revenue), 0) as revenue
    from activity
    where usage_feed_id is not null
    group by activity_day, asin, ref_tag, product_code, title, currency
),
-- Clicks stand on the row of the first currency, so that they add up over the rows.
counted as (
    select activity_day, asin, ref_tag, product_code, title, 1 as nth, clicks, conversions, null as currency, cast(0 as decimal(18, 6)) as usage_hours, cast(0 as decimal(18, 6)) as revenue
    from clicked
    union all
    select
        activity_day,
        asin,
        ref_tag,
        product_code,
        title,
        row_number() over (partition by activity_day, asin, ref_tag order by currency nulls last),
        0,
        0,
        currency,
        usage_hours,
        revenue
    from used
),
final as (
    select
        activity_day as datetime_day, -- R26
        title,
        product_code,
        asin,
        ref_tag as reftag,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(usage_hours) as usage_hours,
        round(coalesce(sum(revenue), 0), 2) as revenue,
        max(currency) as currency
    from counted
    group by activity_day, title, product_code, asin, ref_tag, nth
)
select * from final
