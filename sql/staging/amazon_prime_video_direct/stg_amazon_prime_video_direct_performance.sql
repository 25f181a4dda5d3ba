-- One row per title, day, marketplace and availability type.
select
    watched_on,
    watched_to,
    title_id,
    vendor_sku,
    title,
    series,
    season,
    episode,
    marketplace,
    country,
    country_reason,
    availability_type,
    minutes_streamed,
    unique_streams,
    estimated_revenue,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from amazon_prime_video_direct_performance
