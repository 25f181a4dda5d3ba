-- One row per product page and the product it shows, as known at $known_at.
select
    asin,
    product_code,
    title,
    _instance,
    _file_id,
    _line
from dim_product_page
-- R4: what is known at $known_at
where _instance = $instance
    and known_from <= $known_at
    and (known_to is null or known_to > $known_at)
