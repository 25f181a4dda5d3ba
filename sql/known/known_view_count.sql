-- One row per way to look at the period's views (by) and key of it: how many channels with their stores, works and countries stand behind them. Months are all up to the end of the period.
with
months as (
    select month, viewed_on, title, country, day_zone, channel, sub_channel, work, known_country
    from known_view
    where viewed_on < cast($interval_end as date)
),
lines as (
    select * from months where viewed_on >= cast($interval_start as date)
),
keyed as (
    select 'all' as by, '' as key, channel, sub_channel, work, known_country from lines
    union all
    select 'date' as by, cast(viewed_on as text) as key, channel, sub_channel, work, known_country from lines
    union all
    select 'title' as by, coalesce(title, 'unknown') as key, channel, sub_channel, work, known_country from lines
    union all
    select 'country' as by, case country when 'ZZ' then 'zz' else country end as key, channel, sub_channel, work, known_country from lines
    union all
    select 'time zone' as by, coalesce(day_zone, 'not told') as key, channel, sub_channel, work, known_country from lines
    union all
    select 'month' as by, cast(month as text) as key, channel, sub_channel, work, known_country from months
),
counted as (
    select by, key, 'channel' as what, count(*) as n from (select distinct by, key, channel, sub_channel from keyed) as channels group by by, key
    union all
    select by, key, 'work' as what, count(*) as n from (select distinct by, key, work from keyed) as works group by by, key
    union all
    -- R51: what is not known is no country
    select by, key, 'country' as what, count(*) as n from (select distinct by, key, known_country from keyed where known_country is not null) as countries group by by, key
)
select
    by,
    key,
    sum(case when what = 'channel' then n else 0 end) as channels,
    sum(case when what = 'work' then n else 0 end) as titles,
    sum(case when what = 'country' then n else 0 end) as countries
from counted
group by by, key
