-- One row per version of a revision of a product.
select
    product_id,
    manufacturer_account_id,
    product_code,
    title,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_product
