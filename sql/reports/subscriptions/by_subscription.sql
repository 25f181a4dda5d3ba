-- One row per subscription and country: the month's sums, and who was active on the last day that was counted.
with
counted as (
    -- R4: what is known at $known_at
    select * from fct_subscription_metric
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and counted_on >= cast($interval_start as date)
        and counted_on < cast($interval_end as date)
),
sums as (
    select
        channel, _instance, subscription, country,
        sum(trial_starts) as trial_starts,
        sum(paid_conversions) as paid_conversions,
        sum(cancellations) as cancellations,
        max(case when active_trial is not null or active_paid is not null then counted_on end) as active_on
    from counted
    group by channel, _instance, subscription, country
),
active as (
    select channel, _instance, subscription, country, counted_on, sum(active_trial) as active_trial, sum(active_paid) as active_paid
    from counted
    group by channel, _instance, subscription, country, counted_on
)
select
    s.channel,
    s._instance as instance,
    s.subscription,
    case s.country when 'ZZ' then 'zz' else s.country end as country,
    s.trial_starts,
    s.paid_conversions,
    s.cancellations,
    -- R60: stocks are not added over days
    a.active_trial,
    a.active_paid,
    s.active_on
from sums as s
left join active as a
    on s.channel = a.channel and s._instance = a._instance and (s.subscription is not distinct from a.subscription) and s.country = a.country and s.active_on = a.counted_on
