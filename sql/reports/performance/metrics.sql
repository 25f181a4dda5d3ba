-- One row: how many channels, countries and titles were watched, and what the channels estimate for it, in dollars.
with
sums as (
    select
        sum(case when lacks_rate then 1 else 0 end) as lines_without_rate,
        -- R55
        sum(
            case
                when currency = 'USD' then cast(estimated_revenue as decimal(38, 10))
                else cast(estimated_revenue as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
            end
        ) as usd
    from known_view
    where viewed_on >= cast($interval_start as date) and viewed_on < cast($interval_end as date)
)
select
    c.channels,
    c.countries,
    c.titles,
    round(coalesce(s.usd, 0), 6) as revenue,
    s.lines_without_rate
from sums as s
inner join known_view_count as c on c.by = 'all'
