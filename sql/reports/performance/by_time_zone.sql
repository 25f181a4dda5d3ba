-- One row per time zone in which the days of the period are those of the lines (R66).
with
lines as (
    select
        day_zone,
        coalesce(day_zone, 'not told') as time_zone,
        case when viewed_at is not null then 1 else 0 end as with_time,
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
    select time_zone, min(day_zone) as day_zone, count(*) as lines, sum(with_time) as lines_with_time, sum(views) as views, sum(seconds_watched) as seconds, sum(usd) as usd
    from lines
    group by time_zone
),
works as (
    select time_zone, count(*) as n from (select distinct time_zone, work from lines) group by time_zone
),
channels as (
    select time_zone, count(*) as n from (select distinct time_zone, channel, sub_channel from lines) group by time_zone
),
countries as (
    select time_zone, count(*) as n from (select distinct time_zone, known_country from lines where known_country is not null) group by time_zone
)
select
    s.time_zone,
    s.day_zone,
    s.lines,
    s.lines_with_time,
    c.n as channels,
    w.n as titles,
    coalesce(l.n, 0) as countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join works as w on s.time_zone = w.time_zone
inner join channels as c on s.time_zone = c.time_zone
left join countries as l on s.time_zone = l.time_zone
