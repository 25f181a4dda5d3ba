-- One row per month and currency.
select
    month,
    currency,
    royalty,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from kdp_summary
