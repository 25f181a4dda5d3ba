-- One row per channel, instance, country, paid period and currency that was earned or paid up to the end of the month.
with
earned as (
    -- R4: what is known at $known_at
    select channel, _instance, country, currency, period_start, sum(amount) as earned, count(*) as lines
    from fct_earning
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and period_end < cast($interval_end as date)
    group by channel, _instance, country, currency, period_start
),
payments as (
    select
        channel, _instance, country, currency, period_start, max(period_end) as period_end,
        sum(coalesce(accrued, net)) as accrued,
        sum(withholding) as withholding,
        sum(adjustments) as adjustments,
        sum(net) as net,
        max(paid_on) as paid_on
    from known_payment
    where period_start is not null
        and period_end < cast($interval_end as date)
    group by channel, _instance, country, currency, period_start
),
without_period as (
    -- R63: what these pay can't be told by period; the balances say how they stand
    select channel, _instance, currency from known_payment where period_start is null group by channel, _instance, currency
),
whole_channels as (
    -- R63: a channel that pays for all countries at once is compared as a whole
    select channel, _instance from payments group by channel, _instance having max(country) = 'ZZ' and min(country) = 'ZZ'
),
earned_alike as (
    select
        e.channel, e._instance, case when w.channel is null then e.country else 'ZZ' end as country, e.currency, e.period_start,
        sum(e.earned) as earned,
        sum(e.lines) as lines
    from earned as e
    left join whole_channels as w on e.channel = w.channel and e._instance = w._instance
    group by e.channel, e._instance, case when w.channel is null then e.country else 'ZZ' end, e.currency, e.period_start
),
paid_periods as (
    -- R63: what is paid by the quarter is compared by the quarter
    select e.channel, e._instance, e.country, e.currency, e.period_start, max(p.period_start) as paid_from
    from earned_alike as e
    inner join payments as p on e.channel = p.channel and e._instance = p._instance and e.country = p.country and e.currency = p.currency
    where e.period_start >= p.period_start
        and e.period_start <= p.period_end
    group by e.channel, e._instance, e.country, e.currency, e.period_start
),
earned_as_paid as (
    select
        e.channel, e._instance, e.country, e.currency,
        coalesce(p.paid_from, cast(date_trunc('month', e.period_start) as date)) as period_start,
        sum(e.earned) as earned,
        sum(e.lines) as lines
    from earned_alike as e
    left join paid_periods as p
        on e.channel = p.channel and e._instance = p._instance and e.country = p.country and e.currency = p.currency and e.period_start = p.period_start
    group by e.channel, e._instance, e.country, e.currency, coalesce(p.paid_from, cast(date_trunc('month', e.period_start) as date))
),
paired as (
    select
        coalesce(e.channel, p.channel) as channel,
        coalesce(e._instance, p._instance) as instance,
        coalesce(e.country, p.country) as country,
        coalesce(e.currency, p.currency) as currency,
        coalesce(e.period_start, p.period_start) as period_start,
        e.earned,
        e.lines,
        p.accrued,
        coalesce(p.accrued, 0) - coalesce(e.earned, 0) as difference,
        p.withholding,
        p.adjustments,
        p.net,
        p.paid_on
    from earned_as_paid as e
    full join payments as p
        on e.channel = p.channel and e._instance = p._instance and e.country = p.country and e.currency = p.currency and e.period_start = p.period_start
)
select
    r.period_start,
    r.channel,
    r.instance,
    case r.country when 'ZZ' then 'zz' else r.country end as country,
    r.currency,
    r.earned,
    r.accrued,
    r.difference,
    r.withholding,
    r.adjustments,
    r.net,
    r.paid_on,
    -- R63
    case
        when r.accrued is null and w.channel is not null then 'paid without a period'
        when r.accrued is null or (r.accrued = 0 and r.earned <> 0) then 'unpaid balance'
        when r.earned is null then 'missing statement'
        when r.difference = 0 and coalesce(r.withholding, 0) <> 0 then 'withholding'
        when r.difference = 0 and coalesce(r.adjustments, 0) <> 0 then 'adjustment'
        when r.difference = 0 then 'paid in full'
        when abs(r.difference) < case
            when r.currency in ('JPY', 'KRW', 'VND', 'CLP', 'ISK', 'PYG', 'UGX', 'XAF', 'XOF', 'XPF') then 1
            when r.currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 0.001
            else 0.01
        end then 'minor units'
        when abs(r.difference) <= 0.005 * r.lines then 'rounding'
        when r.difference = -r.withholding then 'withholding'
        when r.difference = r.adjustments then 'adjustment'
        when r.difference < 0 then 'paid in part'
        else 'paid more than earned'
    end as class
from paired as r
left join without_period as w on r.channel = w.channel and r.instance = w._instance and r.currency = w.currency
