-- One row per channel, instance and currency paid in the month.
select channel, _instance as instance, payout_currency, count(*) as lines, sum(payout_amount) as payout_amount
from known_payment
-- R61: statements say again what a transfer pays
where kind <> 'statement'
    and coalesce(paid_on, period_end) >= cast($interval_start as date)
    and coalesce(paid_on, period_end) < cast($interval_end as date)
group by channel, _instance, payout_currency
