-- One row per title of the period.
with
lines as (
    select
        coalesce(title, 'unknown') as title,
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
    select title, sum(views) as views, sum(seconds_watched) as seconds, sum(usd) as usd from lines group by title
),
works as (
    select title, count(*) as n from (select distinct title, work from lines) group by title
),
channels as (
    select title, count(*) as n from (select distinct title, channel, sub_channel from lines) group by title
),
countries as (
    select title, count(*) as n from (select distinct title, known_country from lines where known_country is not null) group by title
)
select
    s.title,
    c.n as channels,
    w.n as titles,
    coalesce(l.n, 0) as countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join works as w on s.title = w.title
inner join channels as c on s.title = c.title
left join countries as l on s.title = l.title
