-- One row per time zone in which the days of the period are those of the lines (R66).
with
sums as (
    select
        coalesce(day_zone, 'not told') as time_zone,
        min(day_zone) as day_zone,
        count(*) as lines,
        count(viewed_at) as lines_with_time,
        sum(views) as views,
        sum(seconds_watched) as seconds,
        -- R55
        sum(
            case
                when currency = 'USD' then cast(estimated_revenue as decimal(38, 10))
                else cast(estimated_revenue as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
            end
        ) as usd
    from known_view
    where viewed_on >= cast($interval_start as date) and viewed_on < cast($interval_end as date)
    group by coalesce(day_zone, 'not told')
)
select
    s.time_zone,
    s.day_zone,
    s.lines,
    s.lines_with_time,
    c.channels,
    c.titles,
    c.countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join known_view_count as c on c.by = 'time zone' and s.time_zone = c.key
