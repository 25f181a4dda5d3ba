-- One row per video.
select
    period_start,
    period_end,
    time_zone,
    content,
    video_title,
    video_published_on,
    duration_seconds,
    views,
    watch_time_seconds,
    subscribers,
    estimated_revenue,
    currency,
    impressions,
    impressions_click_through_rate,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from youtube_studio_table
