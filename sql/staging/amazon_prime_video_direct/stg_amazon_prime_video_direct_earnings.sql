-- One row per title or season, availability type, marketplace and month.
select
    period_start,
    period_end,
    title_id,
    vendor_sku,
    title,
    series,
    season,
    marketplace,
    country,
    country_reason,
    availability_type,
    quantity,
    duration_hours,
    cer,
    royalty_amount,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from amazon_prime_video_direct_earnings
