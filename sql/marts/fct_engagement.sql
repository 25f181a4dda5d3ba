-- One row per line and factor.
with
titles as (
    select channel, title_ref, title_key from dim_title where title_key is not null
),
watched as (
    select
        v.channel,
        -- R53: the season where there is one
        coalesce(t.title_key, v.work_id) as title_key,
        v.country,
        coalesce(v.availability_type, 'not told') as availability_type,
        cast(date_trunc('month', v.viewed_on) as date) as month,
        v.views,
        v.seconds_watched,
        v.known_from, v.known_to, v.period_month, v._instance, v._file_id, v._line
    from fct_view as v
    left join titles as t on v.channel = t.channel and v.title_ref = t.title_ref
),
factors as (
    select
        channel, title_key, country, availability_type, false as is_declared, month, 'unique_streams' as factor, views as value,
        known_from, known_to, period_month, _instance, _file_id, _line
    from watched
    where views is not null
    union all
    select
        channel, title_key, country, availability_type, false as is_declared, month, 'seconds_watched' as factor, seconds_watched as value,
        known_from, known_to, period_month, _instance, _file_id, _line
    from watched
    where seconds_watched is not null
    union all
    select
        channel, title_key, country, null as availability_type, true as is_declared, month, factor, value,
        _known_at as known_from, null as known_to, period_month, _instance, _file_id, _line
    from stg_reference_title_factor
)
select * from factors
