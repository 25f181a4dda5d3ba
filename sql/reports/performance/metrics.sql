-- One row: how many channels, countries and titles were watched, and what the channels estimate for it, in dollars.
with
views as (
    -- R4: what is known at $known_at
    select *, cast(date_trunc('month', viewed_on) as date) as month
    from fct_view
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and viewed_on >= cast($interval_start as date)
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
revenue as (
    select sum(case when v.currency = 'USD' then cast(v.estimated_revenue as decimal(38, 10)) else cast(v.estimated_revenue as decimal(38, 10)) * r.usd_per_euro / r.per_euro end) as usd,
        sum(case when v.currency <> 'USD' and r.currency is null then 1 else 0 end) as lines_without_rate
    from views as v
    left join rates as r on v.currency = r.currency and v.viewed_on >= r.valid_from and v.viewed_on < r.valid_to
    where v.estimated_revenue is not null
),
channels as (
    select count(*) as n from (select distinct channel, sub_channel from views)
),
countries as (
    -- R51: what is not known is no country
    select count(*) as n from (select distinct country from views where country <> 'ZZ')
),
works as (
    select count(*) as n
    from (select distinct coalesce(t.title_key, v.work_id) as title from views as v left join titles as t on v.channel = t.channel and v.title_ref = t.title_ref)
),
lines as (
    select count(*) as n from views
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
cross join lines
where lines.n > 0
