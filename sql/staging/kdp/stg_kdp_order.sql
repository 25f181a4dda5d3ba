-- One row per day, title, marketplace and kind of order.
select
    ordered_on,
    title,
    author,
    asin,
    marketplace,
    country,
    country_reason,
    paid_units,
    free_units,
    sheet,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from kdp_order
