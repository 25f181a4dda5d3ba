-- One row per title, territory and availability type of the month.
with
ranks as (
    select * from known_cer where month = cast($interval_start as date)
),
names as (
    select title_key, min(title) as title from stg_reference_title group by title_key
)
select
    r.month,
    r.channel,
    r.title_key,
    coalesce(n.title, r.title_key) as title,
    r.country,
    r.availability_type,
    r.engagement,
    r.titles_below,
    r.titles_compared,
    round(r.cer_computed * 100, 6) as cer_computed,
    round(r.cer_reported * 100, 6) as cer_reported,
    round(r.cer * 100, 6) as cer,
    r.cer_source,
    round(r.difference * 100, 6) as difference
from ranks as r
left join names as n on r.title_key = n.title_key
