-- One row per version of a revision of an offer.
select
    offer_id,
    offer_revision,
    name,
    expiration_date,
    opportunity_id,
    opportunity_name,
    opportunity_description,
    seller_account_id,
    recipient_account_id,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_offer
