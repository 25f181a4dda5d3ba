-- One row per title, marketplace and kind of sale.
select
    period_start,
    period_end,
    title,
    author,
    asin,
    marketplace,
    country,
    country_reason,
    pages_read,
    royalty,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from kdp_kenp_read
