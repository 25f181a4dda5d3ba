-- One row per performance line of any instance, as known, with its title in the catalogue and the rates of its day. Dollars are for the reports: they cut digits.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_view
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
views as (
    -- R66: a line with an instant stands on its day in the reports' zone, a line without one on the channel's day
    select
        *,
        case when viewed_at is not null then cast(viewed_at at time zone $performance_time_zone as date) else viewed_on end as reported_on,
        case when viewed_at is not null then $performance_time_zone else time_zone end as day_zone
    from known
),
titles as (
    select channel, title_ref, title_key, catalogue_title from dim_title
),
rates as (
    -- R55
    select currency, valid_from, valid_to, per_euro, usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
)
select
    cast(date_trunc('month', v.reported_on) as date) as month,
    v.reported_on as viewed_on,
    v.viewed_to,
    v.viewed_at,
    v.day_zone,
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
left join rates as r on v.currency = r.currency and v.reported_on >= r.valid_from and v.reported_on < r.valid_to
