-- One row per product page and the product it shows.
with
pages as (
    select * from stg_aws_product_page
),
copies as (
    select
        *,
        row_number() over (partition by _instance, asin, product_code, title order by _file_id, _line) as copy
    from pages
)
select
    asin,
    product_code,
    title,
    _known_at as known_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as known_to,
    _instance,
    _file_id,
    _line
from copies
where copy = 1
