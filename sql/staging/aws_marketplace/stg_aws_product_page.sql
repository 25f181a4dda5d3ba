-- One row per page.
select
    asin,
    product_code,
    title,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_product_page
