-- One row per payment line of any instance, as known. A line that names the earning it pays is paid for that one's period, in the currency in which that one stands.
with
payments as (
    -- R4: what is known at $known_at
    select *
    from fct_payment
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
earnings as (
    select channel, _instance, earning_id, period_start, period_end, currency
    from fct_earning
    where earning_id is not null
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
)
select
    p.channel,
    p.payment_id,
    p.kind,
    p.marketplace,
    p.country,
    -- R65
    coalesce(e.period_start, p.period_start) as period_start,
    coalesce(e.period_end, p.period_end) as period_end,
    p.paid_on,
    -- R25: what is earned in the second currency is paid in it
    coalesce(case when e.currency = p.payout_currency then p.payout_currency end, p.currency) as currency,
    case when e.currency = p.payout_currency then p.payout_amount else p.accrued end as accrued,
    p.withholding,
    p.adjustments,
    coalesce(case when e.currency = p.payout_currency then p.payout_amount end, p.net) as net,
    p.fx_rate_printed,
    p.payout_amount,
    p.payout_currency,
    p.status,
    p.earning_id,
    p._instance,
    p._file_id,
    p._line
from payments as p
left join earnings as e on p.channel = e.channel and p._instance = e._instance and p.earning_id = e.earning_id
