-- One row per version of a product of an offer's revision.
select
    offer_id,
    offer_revision,
    product_id,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_offer_product
