-- One row per channel, instance and currency paid in the month.
with
payments as (
    -- R4: what is known at $known_at; statements say again what a transfer pays
    select * from fct_payment
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and coalesce(paid_on, period_end) >= cast($interval_start as date)
        and coalesce(paid_on, period_end) < cast($interval_end as date)
        and kind <> 'statement'
)
select channel, _instance as instance, payout_currency, count(*) as payments, sum(payout_amount) as payout_amount
from payments
group by channel, _instance, payout_currency
