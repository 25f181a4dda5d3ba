-- One row per line of the report.
select
    reported_on,
    sold_on,
    quantity,
    price,
    subtotal,
    isrc,
    upc,
    sku,
    album_title,
    artist,
    title,
    store,
    transaction_type,
    country,
    country_reason,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from cd_baby_sale
