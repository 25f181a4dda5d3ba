-- One row per channel, export and period.
select
    channel,
    instance,
    export,
    period_start,
    reason,
    _instance,
    _file_id,
    _line,
    _known_at
from reference_no_activity
