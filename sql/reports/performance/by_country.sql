-- One row per country of the period; zz where the channel does not say (R51).
with
lines as (
    select
        case country when 'ZZ' then 'zz' else country end as country,
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
    select country, sum(views) as views, sum(seconds_watched) as seconds, sum(usd) as usd from lines group by country
),
works as (
    select country, count(*) as n from (select distinct country, work from lines) group by country
),
channels as (
    select country, count(*) as n from (select distinct country, channel, sub_channel from lines) group by country
),
countries as (
    select country, count(*) as n from (select distinct country, known_country from lines where known_country is not null) group by country
)
select
    s.country,
    c.n as channels,
    w.n as titles,
    coalesce(l.n, 0) as countries,
    s.views,
    round(cast(s.seconds as decimal(28, 10)) / 60, 6) as minutes,
    round(s.usd, 6) as revenue
from sums as s
inner join works as w on s.country = w.country
inner join channels as c on s.country = c.country
left join countries as l on s.country = l.country
