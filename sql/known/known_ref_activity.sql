-- One row per tagged visit and one per usage line that a visit's tag attracts, for the days of the interval, as known at $known_at.
with
visits as (
    -- the interval and the look-back before it
    select *
    from known_ref_visit
    where period_month >= cast(date_trunc('month', cast($interval_start as date) - $ref_tag_lookback_days) as date)
        and period_month < cast($interval_end as date)
        and visit_day >= cast($interval_start as date) - $ref_tag_lookback_days
        and visit_day < cast($interval_end as date)
),
pages as (
    select asin, product_code, title from known_product_page
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code from known_product where is_latest
),
usage_lines as (
    -- R32: all usage; its hours are those of lines in hours
    select u.*, p.product_code
    from known_usage as u
    inner join products as p
        on u.product_id = p.product_id
    where u.period_month >= cast(date_trunc('month', $interval_start) as date)
        and u.period_month < cast($interval_end as date)
        and u.usage_date >= cast($interval_start as date)
        and u.usage_date < cast($interval_end as date)
),
visits_of_accounts as (
    -- R32: per account, product and day the last visit, ties by tag bytewise
    select
        v.account_id,
        p.product_code,
        v.visit_day,
        v.occurred_at,
        v.ref_tag,
        v.asin,
        row_number() over (
            partition by v.account_id, p.product_code, v.visit_day
            order by v.occurred_at desc, v.ref_tag, v.asin
        ) as nth
    from visits as v
    inner join pages as p
        on v.asin = p.asin
    where v.account_id is not null
),
usage_days as (
    select distinct end_user_account_id, product_code, usage_date
    from usage_lines
),
attributed_days as (
    -- R32: the last visit on the usage day or in the days of the look-back before it
    select
        d.end_user_account_id,
        d.product_code,
        d.usage_date,
        v.ref_tag,
        v.asin,
        row_number() over (
            partition by d.end_user_account_id, d.product_code, d.usage_date
            order by v.visit_day desc
        ) as nth
    from usage_days as d
    inner join visits_of_accounts as v
        on d.end_user_account_id = v.account_id
        and d.product_code = v.product_code
        and v.visit_day <= d.usage_date
        and v.visit_day >= d.usage_date - $ref_tag_lookback_days
    where v.nth = 1
),
attributed_lines as (
    select u.*, a.ref_tag, a.asin
    from usage_lines as u
    inner join attributed_days as a
        on u.end_user_account_id = a.end_user_account_id
        and u.product_code = a.product_code
        and u.usage_date = a.usage_date
    where a.nth = 1
),
activity as (
    select
        visit_day as activity_day,
        ref_tag,
        asin,
        session_id,
        event,
        cast(null as text) as usage_feed_id,
        cast(null as decimal(18, 6)) as usage_hours,
        cast(null as decimal(18, 6)) as estimated_revenue,
        cast(null as text) as currency,
        _instance,
        _file_id,
        _line
    from visits
    where visit_day >= cast($interval_start as date)
    union all
    select
        usage_date,
        ref_tag,
        asin,
        cast(null as text),
        cast(null as text),
        usage_feed_id,
        usage_hours,
        estimated_revenue_in_pricing_currency,
        pricing_currency,
        _instance,
        _file_id,
        _line
    from attributed_lines
)
select
    a.activity_day,
    a.ref_tag,
    a.asin,
    -- R30: a page that the map lacks stays, without code and title
    p.product_code,
    p.title,
    a.session_id,
    a.event,
    a.usage_feed_id,
    a.usage_hours,
    a.estimated_revenue,
    a.currency,
    a._instance,
    a._file_id,
    a._line
from activity as a
left join pages as p
    on a.asin = p.asin
