-- One row per region and currency.
select
    period_start,
    period_end,
    region_currency,
    currency,
    units_sold,
    earned,
    pre_tax_subtotal,
    input_tax,
    adjustments,
    withholding_tax,
    total_owed,
    exchange_rate,
    proceeds,
    bank_currency,
    paid_total,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from apple_payment
