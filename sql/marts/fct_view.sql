-- One row per performance line of an export.
with
prime_video as (
    select
        'amazon_prime_video_direct' as channel,
        cast(null as text) as sub_channel,
        title_id,
        vendor_sku as other_id,
        title as title_name,
        series,
        season,
        coalesce(country, 'ZZ') as country,
        country_reason,
        availability_type,
        watched_on as viewed_on,
        watched_to as viewed_to,
        null as viewed_at,
        cast(null as text) as time_zone,
        unique_streams as views,
        -- R52: minutes become seconds, which is exact
        minutes_streamed * 60 as seconds_watched,
        estimated_revenue,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_amazon_prime_video_direct_performance
),
filmhub as (
    select
        'filmhub' as channel,
        sub_channel,
        title_id,
        cast(null as text) as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        coalesce(country, 'ZZ') as country,
        country_reason,
        license_type as availability_type,
        report_date as viewed_on,
        cast(null as date) as viewed_to,
        viewed_at,
        -- a day without a time is the channel's own
        case when viewed_at is not null then time_zone end as time_zone,
        views,
        minutes_streamed * 60 as seconds_watched,
        revenue as estimated_revenue,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_filmhub_performance
),
studio as (
    select
        'youtube' as channel,
        cast(null as text) as sub_channel,
        content as title_id,
        cast(null as text) as other_id,
        video_title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        'ZZ' as country,
        'the export has no countries' as country_reason,
        cast(null as text) as availability_type,
        coalesce(period_start, period_end) as viewed_on,
        period_end as viewed_to,
        null as viewed_at,
        time_zone,
        views,
        watch_time_seconds as seconds_watched,
        estimated_revenue,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_youtube_studio_table
),
summaries as (
    select _file_id, summary_record_id, territory, commercial_model, use_type from stg_ddex_dsrf_summary_video
    union all
    select _file_id, summary_record_id, territory, commercial_model, use_type from stg_ddex_dsrf_summary_rights
    union all
    select _file_id, summary_record_id, territory, commercial_model, use_type from stg_ddex_dsrf_summary_basic
),
summary as (
    select
        _file_id,
        summary_record_id,
        min(territory) as territory,
        min(commercial_model) as commercial_model,
        min(use_type) as use_type
    from summaries
    group by _file_id, summary_record_id
),
resource as (
    select
        _file_id,
        block_id,
        resource_reference,
        min(dsp_resource_id) as dsp_resource_id,
        min(coalesce(eidr, isan)) as standard_id,
        min(title) as title,
        min(season_number) as season_number
    from stg_ddex_dsrf_resource
    group by _file_id, block_id, resource_reference
),
block as (
    -- a sale of a whole release: its only resource names it
    select
        _file_id,
        block_id,
        min(dsp_resource_id) as dsp_resource_id,
        min(standard_id) as standard_id,
        min(title) as title,
        min(season_number) as season_number
    from resource
    group by _file_id, block_id
    having count(*) = 1
),
reported as (
    select
        sender, block_id, transacted_resource, summary_record_id, period_start, period_end, usages, duration_used_seconds,
        _known_at, period_month, _instance, _file_id, _line
    from stg_ddex_dsrf_usage_video
    union all
    select
        sender, block_id, transacted_resource, summary_record_id, period_start, period_end, usages, null as duration_used_seconds,
        _known_at, period_month, _instance, _file_id, _line
    from stg_ddex_dsrf_usage_stream
),
usage_records as (
    select
        u.*,
        coalesce(r.dsp_resource_id, b.dsp_resource_id) as title_id,
        coalesce(r.standard_id, b.standard_id) as other_id,
        coalesce(r.title, b.title) as title_name,
        coalesce(r.season_number, b.season_number) as season
    from reported as u
    left join resource as r on u._file_id = r._file_id and u.block_id = r.block_id and u.transacted_resource = r.resource_reference
    left join block as b on u._file_id = b._file_id and u.block_id = b.block_id
),
single_records as (
    select
        sender, summary_record_id, period_start, period_end, usages, cast(null as decimal(28, 10)) as duration_used_seconds,
        dsp_resource_id as title_id, coalesce(eidr, isan) as other_id, title as title_name, season_number as season, series_title as series,
        _known_at, period_month, _instance, _file_id, _line
    from stg_ddex_dsrf_stream_record
),
records as (
    select
        sender, summary_record_id, period_start, period_end, usages, duration_used_seconds, title_id, other_id, title_name, season, cast(null as text) as series,
        _known_at, period_month, _instance, _file_id, _line
    from usage_records
    union all
    select
        sender, summary_record_id, period_start, period_end, usages, duration_used_seconds, title_id, other_id, title_name, season, series,
        _known_at, period_month, _instance, _file_id, _line
    from single_records
),
ddex as (
    select
        'ddex_dsrf' as channel,
        u.sender as sub_channel,
        u.title_id,
        u.other_id,
        u.title_name,
        u.series,
        u.season,
        case when character_length(s.territory) = 2 then upper(s.territory) else 'ZZ' end as country,
        case
            when s.territory is null then 'no summary record'
            when character_length(s.territory) <> 2 then concat('unknown: ', s.territory)
        end as country_reason,
        concat_ws(' ', s.commercial_model, s.use_type) as availability_type,
        u.period_start as viewed_on,
        u.period_end as viewed_to,
        null as viewed_at,
        cast(null as text) as time_zone,
        u.usages as views,
        u.duration_used_seconds as seconds_watched,
        cast(null as decimal(38, 18)) as estimated_revenue,
        cast(null as text) as currency,
        u._known_at, u.period_month, u._instance, u._file_id, u._line
    from records as u
    left join summary as s on u._file_id = s._file_id and u.summary_record_id = s.summary_record_id
),
lines as (
    select * from prime_video
    union all
    select * from filmhub
    union all
    select * from studio
    union all
    select * from ddex
)
select
    channel,
    sub_channel,
    title_id,
    other_id,
    title_name,
    series,
    season,
    -- R53: a season of a series is one work, whichever episode was watched
    case
        when season is not null and (series is not null or title_name is not null) then concat(coalesce(series, title_name), ' / ', season)
        else coalesce(title_id, title_name, other_id, 'unknown')
    end as work_id,
    concat_ws(' | ', coalesce(title_id, '-'), coalesce(other_id, '-'), coalesce(title_name, '-'), coalesce(season, '-')) as title_ref,
    country,
    country_reason,
    availability_type,
    viewed_on,
    viewed_to,
    viewed_at,
    time_zone,
    views,
    seconds_watched,
    estimated_revenue,
    currency,
    _known_at as known_from,
    null as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from lines
