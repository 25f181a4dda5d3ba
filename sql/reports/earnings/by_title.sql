-- One row per title, currency apart; what the statements of the month say.
with
sums as (
    -- R55: summed by currency first, dollars at the rate of the period's last day
    select
        channel, _instance as instance, title, season, currency, per_euro, usd_per_euro,
        count(*) as lines,
        sum(quantity) as quantity,
        sum(seconds) as seconds,
        sum(amount) as amount
    from known_earning
    where period_end >= cast($interval_start as date)
        and period_end < cast($interval_end as date)
    group by channel, _instance, title, season, currency, per_euro, usd_per_euro
),
converted as (
    select
        *,
        case
            when currency = 'USD' then cast(amount as decimal(38, 10))
            else cast(amount as decimal(38, 10)) * cast(usd_per_euro as decimal(20, 6)) / cast(per_euro as decimal(20, 6))
        end as usd
    from sums
)
select
    channel,
    instance,
    title,
    season,
    currency,
    sum(lines) as lines,
    sum(quantity) as quantity,
    round(cast(sum(seconds) as decimal(28, 10)) / 3600, 6) as hours,
    sum(amount) as earned,
    round(sum(usd), 6) as earned_usd
from converted
group by channel, instance, title, season, currency
