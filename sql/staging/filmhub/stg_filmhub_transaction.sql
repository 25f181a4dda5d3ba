-- One row per movement.
select
    transacted_on,
    type,
    info,
    period_start,
    period_end,
    amount,
    gross_amount,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from filmhub_transaction
