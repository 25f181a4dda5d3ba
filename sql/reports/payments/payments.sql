-- One row per payment line whose payment date lies in the month; where the channel gives none, whose period ends in it. Payments of single earnings are another section.
select
    channel,
    _instance as instance,
    paid_on,
    payment_id,
    kind,
    period_start,
    period_end,
    marketplace,
    currency,
    accrued,
    withholding,
    adjustments,
    net,
    -- R61: printed rates are rounded, so the implied one stands beside it
    fx_rate_printed,
    case when net <> 0 then round(cast(payout_amount as decimal(28, 8)) / cast(net as decimal(20, 8)), 8) end as fx_rate_implied,
    payout_amount,
    payout_currency,
    status,
    _file_id,
    _line
from known_payment
where earning_id is null
    and coalesce(paid_on, period_end) >= cast($interval_start as date)
    and coalesce(paid_on, period_end) < cast($interval_end as date)
