-- One row per channel and export.
select
    channel,
    instance,
    export,
    period,
    due_days,
    starts_on,
    _instance,
    _file_id,
    _line,
    _known_at
from reference_schedule
