-- One row per channel, instance and currency: all that was earned and paid up to the end of the month, whatever period the payments name.
with
earned as (
    -- R4: what is known at $known_at
    select channel, _instance, currency, sum(amount) as earned
    from fct_earning
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and period_end < cast($interval_end as date)
    group by channel, _instance, currency
),
paid as (
    select
        channel, _instance, currency,
        sum(withholding) as withholding,
        sum(adjustments) as adjustments,
        -- R61: statements say again what a transfer pays
        sum(case when kind <> 'statement' then net end) as net
    from known_payment
    where coalesce(paid_on, period_end) < cast($interval_end as date)
    group by channel, _instance, currency
)
select
    coalesce(e.channel, p.channel) as channel,
    coalesce(e._instance, p._instance) as instance,
    coalesce(e.currency, p.currency) as currency,
    e.earned,
    p.withholding,
    p.adjustments,
    p.net,
    coalesce(e.earned, 0) - coalesce(p.withholding, 0) + coalesce(p.adjustments, 0) - coalesce(p.net, 0) as open
from earned as e
full join paid as p on e.channel = p.channel and e._instance = p._instance and e.currency = p.currency
