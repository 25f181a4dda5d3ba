-- One row per month up to the end of the period.
with
lines as (
    select
        month,
        channel,
        sub_channel,
        work,
        known_country,
        views,
        seconds_watched,
        -- R55
        case
            when currency = 'USD' then cast(estimated_revenue as decimal(38, 10))
            else cast(estimated_revenue as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
        end as usd
    from known_view
    where viewed_on < cast($interval_end as date)
),
sums as (
    select month, sum(views) as views, sum(seconds_watched) as seconds, sum(usd) as usd from lines group by month
),
works as (
    select month, count(*) as n from (select distinct month, work from lines) group by month
),
channels as (
    select month, count(*) as n from (select distinct month, channel, sub_channel from lines) group by month
),
countries as (
    select month, count(*) as n from (select distinct month, known_country from lines where known_country is not null) group by month
)
select
    s.month,
    c.n as channels,
    w.n as titles,
    coalesce(l.n, 0) as countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join works as w on s.month = w.month
inner join channels as c on s.month = c.month
left join countries as l on s.month = l.month
