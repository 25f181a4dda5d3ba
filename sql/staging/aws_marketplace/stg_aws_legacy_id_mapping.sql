-- One row per version of a mapping.
select
    mapping_type,
    legacy_id,
    new_id,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_legacy_id_mapping
