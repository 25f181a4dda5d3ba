-- One row per content owner and payment period.
select
    content_owner,
    period_start,
    period_end,
    country,
    country_reason,
    tax_information,
    total_revenue,
    your_share,
    tax_withholding_rate,
    tax_withholding,
    payment_amount,
    currency,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from filmhub_statement
