-- One row per factor and first day.
select
    channel,
    factor,
    valid_from,
    valid_to,
    weight,
    _instance,
    _file_id,
    _line,
    _known_at
from reference_engagement_weight
