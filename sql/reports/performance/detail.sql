-- One row per performance line of the period.
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
)
select
    v.viewed_on as report_date,
    v.viewed_to,
    coalesce(t.catalogue_title, v.title_name, v.title_id) as title,
    v.season,
    v.channel,
    v.sub_channel,
    -- R51
    case v.country when 'ZZ' then 'zz' else v.country end as country,
    v.availability_type,
    v.views,
    round(cast(v.seconds_watched as decimal(28, 10)) / 60, 6) as minutes,
    v.estimated_revenue as revenue,
    v.currency,
    round(case when v.currency = 'USD' then cast(v.estimated_revenue as decimal(38, 10)) else cast(v.estimated_revenue as decimal(38, 10)) * r.usd_per_euro / r.per_euro end, 6) as revenue_usd,
    v.title_ref,
    v.viewed_on,
    v._instance as instance,
    v._file_id,
    v._line
from views as v
left join titles as t on v.channel = t.channel and v.title_ref = t.title_ref
left join rates as r on v.currency = r.currency and v.viewed_on >= r.valid_from and v.viewed_on < r.valid_to
