-- One row per day of the period, in the days of the channels.
with
lines as (
    select
        viewed_on,
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
    where viewed_on >= cast($interval_start as date) and viewed_on < cast($interval_end as date)
),
sums as (
    select viewed_on, sum(views) as views, sum(seconds_watched) as seconds, sum(usd) as usd from lines group by viewed_on
),
works as (
    select viewed_on, count(*) as n from (select distinct viewed_on, work from lines) group by viewed_on
),
channels as (
    select viewed_on, count(*) as n from (select distinct viewed_on, channel, sub_channel from lines) group by viewed_on
),
countries as (
    select viewed_on, count(*) as n from (select distinct viewed_on, known_country from lines where known_country is not null) group by viewed_on
)
select
    s.viewed_on,
    c.n as channels,
    w.n as titles,
    coalesce(l.n, 0) as countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join works as w on s.viewed_on = w.viewed_on
inner join channels as c on s.viewed_on = c.viewed_on
left join countries as l on s.viewed_on = l.viewed_on
