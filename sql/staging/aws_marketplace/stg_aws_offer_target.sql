-- One row per version of a target of an offer.
select
    offer_target_id,
    offer_id,
    offer_revision,
    target_type,
    polarity,
    value,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_offer_target
