-- One row per title, territory, availability type and month: its engagement, its rank, and the CER that counts, as known at $known_at.
with
factors as (
    -- R4: what is known at $known_at
    select channel, title_key, country, availability_type, is_declared, month, factor, value
    from fct_engagement
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
watched as (
    select channel, title_key, country, availability_type, month, factor, sum(value) as value
    from factors
    where not is_declared
    group by channel, title_key, country, availability_type, month, factor
),
titles as (
    select distinct channel, title_key, country, availability_type, month from watched
),
declared as (
    select channel, title_key, country, month, factor, sum(value) as value
    from factors
    where is_declared
    group by channel, title_key, country, month, factor
),
all_factors as (
    select channel, title_key, country, availability_type, month, factor, value from watched
    union all
    select t.channel, t.title_key, t.country, t.availability_type, t.month, d.factor, d.value
    from titles as t
    inner join declared as d on t.channel = d.channel and t.title_key = d.title_key and t.country = d.country and t.month = d.month
),
weights as (
    select channel, factor, weight, valid_from, valid_to from stg_reference_engagement_weight where _instance = $instance
),
scores as (
    -- R56: engagement is the sum of weight by value over the declared factors
    select f.channel, f.title_key, f.country, f.availability_type, f.month, sum(w.weight * f.value) as engagement
    from all_factors as f
    inner join weights as w
        on f.channel = w.channel and f.factor = w.factor and f.month >= w.valid_from and (w.valid_to is null or f.month < w.valid_to)
    group by f.channel, f.title_key, f.country, f.availability_type, f.month
),
ranked as (
    -- R56: titles of the same territory, month and offer are compared, and only those whose country is known
    select
        *,
        cast(rank() over (partition by channel, country, availability_type, month order by engagement) as bigint) - 1 as titles_below,
        cast(count(*) over (partition by channel, country, availability_type, month) as bigint) as titles_compared
    from scores
    where country <> 'ZZ'
),
computed as (
    select
        *,
        -- a share with eight decimals, cut: whole numbers alone are divided
        cast(case when titles_compared > 1 then titles_below * 100000000 / (titles_compared - 1) else 0 end as decimal(18, 0)) * 0.00000001 as cer_computed
    from ranked
),
title_names as (
    select channel, title_ref, title_key from dim_title where title_key is not null
),
reported as (
    -- R57: a CER counts for the month for which it is reported and no other
    select
        e.channel,
        coalesce(t.title_key, e.work_id) as title_key,
        e.country,
        coalesce(e.availability_type, 'not told') as availability_type,
        cast(date_trunc('month', e.period_start) as date) as month,
        max(e.cer_reported) as cer_reported
    from fct_earning as e
    left join title_names as t on e.channel = t.channel and e.title_ref = t.title_ref
    where e.cer_reported is not null
        and e.known_from <= $known_at
        and (e.known_to is null or e.known_to > $known_at)
    group by e.channel, coalesce(t.title_key, e.work_id), e.country, coalesce(e.availability_type, 'not told'), cast(date_trunc('month', e.period_start) as date)
)
select
    coalesce(c.channel, r.channel) as channel,
    coalesce(c.title_key, r.title_key) as title_key,
    coalesce(c.country, r.country) as country,
    coalesce(c.availability_type, r.availability_type) as availability_type,
    coalesce(c.month, r.month) as month,
    c.engagement,
    c.titles_below,
    c.titles_compared,
    c.cer_computed,
    r.cer_reported,
    -- R57: the reported one wins
    coalesce(r.cer_reported, c.cer_computed) as cer,
    case when r.cer_reported is not null then 'reported' else 'computed' end as cer_source,
    r.cer_reported - c.cer_computed as difference
from computed as c
full join reported as r
    on c.channel = r.channel and c.title_key = r.title_key and c.country = r.country and c.availability_type = r.availability_type and c.month = r.month
