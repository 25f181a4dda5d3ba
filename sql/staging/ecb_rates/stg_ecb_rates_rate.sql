-- One row per day and currency that has a rate.
select
    rate_on,
    currency,
    rate,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from ecb_rates_rate
