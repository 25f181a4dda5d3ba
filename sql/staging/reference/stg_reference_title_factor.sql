-- One row per title, country, month and factor.
select
    channel,
    title_key,
    country,
    month,
    factor,
    value,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from reference_title_factor
