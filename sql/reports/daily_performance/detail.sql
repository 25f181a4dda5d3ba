-- One row per performance line of the period.
select
    viewed_on as report_date,
    viewed_to,
    viewed_at,
    -- R66
    day_zone as time_zone,
    title,
    season,
    channel,
    sub_channel,
    -- R51
    case country when 'ZZ' then 'zz' else country end as country,
    availability_type,
    views,
    round(cast(seconds_watched as decimal(28, 10)) / 60, 6) as minutes,
    estimated_revenue as revenue,
    currency,
    -- R55
    round(
        case
            when currency = 'USD' then cast(estimated_revenue as decimal(38, 10))
            else cast(estimated_revenue as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
        end,
        6
    ) as revenue_usd,
    title_ref,
    viewed_on,
    _instance as instance,
    _file_id,
    _line
from known_view
where viewed_on >= cast($interval_start as date) and viewed_on < cast($interval_end as date)
