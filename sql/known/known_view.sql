-- One row per performance line of any instance, as known, with its title in the catalogue and the rates of its day. Dollars are for the reports: they cut digits.
with
views as (
    -- R4: what is known at $known_at
    select *
    from fct_view
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
titles as (
    select channel, title_ref, title_key, catalogue_title from dim_title
),
rates as (
    -- R55
    select currency, valid_from, valid_to, per_euro, usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
)
select
    cast(date_trunc('month', v.viewed_on) as date) as month,
    v.viewed_on,
    v.viewed_to,
    v.channel,
    v.sub_channel,
    v.country,
    -- R51: what is not known is no country
    case when v.country <> 'ZZ' then v.country end as known_country,
    coalesce(t.title_key, v.work_id) as work,
    coalesce(t.catalogue_title, v.title_name, v.title_id) as title,
    v.title_ref,
    v.season,
    v.availability_type,
    v.views,
    v.seconds_watched,
    v.estimated_revenue,
    v.currency,
    r.per_euro,
    r.usd_per_euro,
    v.estimated_revenue is not null and v.currency <> 'USD' and r.currency is null as lacks_rate,
    v._instance,
    v._file_id,
    v._line
from views as v
left join titles as t on v.channel = t.channel and v.title_ref = t.title_ref
left join rates as r on v.currency = r.currency and v.viewed_on >= r.valid_from and v.viewed_on < r.valid_to
