-- One row: how many channels, countries and titles were watched, and what the channels estimate for it, in dollars.
with
lines as (
    select
        channel,
        sub_channel,
        known_country,
        work,
        lacks_rate,
        -- R55
        case
            when currency = 'USD' then cast(estimated_revenue as decimal(38, 10))
            else cast(estimated_revenue as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
        end as usd
    from known_view
    where viewed_on >= cast($interval_start as date) and viewed_on < cast($interval_end as date)
),
revenue as (
    select sum(usd) as usd, sum(case when lacks_rate then 1 else 0 end) as lines_without_rate, count(*) as n from lines
),
channels as (
    select count(*) as n from (select distinct channel, sub_channel from lines)
),
countries as (
    select count(*) as n from (select distinct known_country from lines where known_country is not null)
),
works as (
    select count(*) as n from (select distinct work from lines)
)
select
    channels.n as channels,
    countries.n as countries,
    works.n as titles,
    round(coalesce(revenue.usd, 0), 6) as revenue,
    coalesce(revenue.lines_without_rate, 0) as lines_without_rate
from channels
cross join countries
cross join works
cross join revenue
where revenue.n > 0
