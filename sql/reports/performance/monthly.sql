-- One row per month up to the end of the period.
with
views as (
    -- R4: what is known at $known_at
    select *, cast(date_trunc('month', viewed_on) as date) as month
    from fct_view
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and viewed_on < cast($interval_end as date)
),
titles as (
    select channel, title_ref, title_key, catalogue_title from dim_title
),
rates as (
    -- R55
    select currency, valid_from, valid_to, cast(per_euro as decimal(20, 6)) as per_euro, cast(usd_per_euro as decimal(20, 6)) as usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
),
lines as (
    select
        v.month,
        v.channel,
        v.sub_channel,
        coalesce(t.title_key, v.work_id) as work,
        case when v.country <> 'ZZ' then v.country end as known_country,
        v.views,
        v.seconds_watched,
        case when v.currency = 'USD' then cast(v.estimated_revenue as decimal(38, 10)) else cast(v.estimated_revenue as decimal(38, 10)) * r.usd_per_euro / r.per_euro end as usd
    from views as v
    left join titles as t on v.channel = t.channel and v.title_ref = t.title_ref
    left join rates as r on v.currency = r.currency and v.viewed_on >= r.valid_from and v.viewed_on < r.valid_to
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
