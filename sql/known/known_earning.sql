-- One row per line of a statement of any instance, as known, with its title in the catalogue and the rate of its period's last day. Dollars are for the reports: they cut digits.
with
earnings as (
    -- R4: what is known at $known_at
    select *
    from fct_earning
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
titles as (
    select channel, title_ref, title_key, catalogue_title from dim_title
),
product_revisions as (
    -- R65: what AWS Marketplace's product feed calls it, by the newest revision known
    select
        _instance,
        product_id,
        title,
        row_number() over (partition by _instance, product_id order by valid_from desc, _file_id, _line) as nth
    from dim_product
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
products as (
    select 'aws_marketplace' as channel, _instance, product_id, title from product_revisions where nth = 1
),
rates as (
    -- R55
    select currency, valid_from, valid_to, per_euro, usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
)
select
    e.channel,
    e.sub_channel,
    e.kind,
    coalesce(t.title_key, e.work_id) as title_key,
    coalesce(t.catalogue_title, e.title_name, p.title, e.title_id, 'unknown') as title,
    e.season,
    e.marketplace,
    e.country,
    e.availability_type,
    e.period_start,
    e.period_end,
    e.quantity,
    e.seconds,
    e.cer_reported,
    e.amount,
    e.currency,
    r.per_euro,
    r.usd_per_euro,
    e._instance,
    e._file_id,
    e._line
from earnings as e
left join titles as t on e.channel = t.channel and e.title_ref = t.title_ref
left join products as p on e.channel = p.channel and e._instance = p._instance and e.title_id = p.product_id
left join rates as r on e.currency = r.currency and e.period_end >= r.valid_from and e.period_end < r.valid_to
