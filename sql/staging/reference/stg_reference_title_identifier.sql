-- One row per identifier.
select
    title_key,
    channel,
    kind,
    identifier,
    _instance,
    _file_id,
    _line,
    _known_at
from reference_title_identifier
