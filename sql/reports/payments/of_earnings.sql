-- One row per payment, paid period, marketplace and currency, where the channel names each earning that it pays; what was taken back is below zero.
with
lines as (
    select *
    from known_payment
    where earning_id is not null
        and paid_on >= cast($interval_start as date)
        and paid_on < cast($interval_end as date)
)
select
    channel,
    _instance as instance,
    paid_on,
    payment_id,
    status,
    period_start,
    marketplace,
    currency,
    count(*) as lines,
    -- R65: price and cost of resale with their refunds and credits, listing fees, taxes, the rest
    coalesce(sum(net) filter (where kind like 'SELLER_REV_SHARE%'), 0) as price,
    coalesce(sum(net) filter (where kind like 'AWS_REV_SHARE%'), 0) as listing_fees,
    coalesce(sum(net) filter (where kind like '%TAX_SHARE%'), 0) as taxes,
    coalesce(sum(net) filter (where kind not like 'SELLER_REV_SHARE%' and kind not like 'AWS_REV_SHARE%' and kind not like '%TAX_SHARE%'), 0) as other,
    sum(net) as net,
    payout_currency,
    sum(payout_amount) as payout_amount
from lines
group by channel, _instance, paid_on, payment_id, status, period_start, marketplace, currency, payout_currency
