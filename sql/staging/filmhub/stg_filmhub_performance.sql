-- One row per title, channel, country and report date.
select
    report_date,
    viewed_at,
    time_zone,
    title,
    title_id,
    sub_channel,
    country,
    country_reason,
    license_type,
    views,
    minutes_streamed,
    revenue,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from filmhub_performance
