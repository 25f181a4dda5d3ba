-- One row per title of the period.
with
sums as (
    select
        coalesce(title, 'unknown') as title,
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
    group by coalesce(title, 'unknown')
)
select
    s.title,
    c.channels,
    c.titles,
    c.countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join known_view_count as c on c.by = 'title' and s.title = c.key
