-- One row per counted line of the month.
with
counted as (
    -- R4: what is known at $known_at
    select * from fct_subscription_metric
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and counted_on >= cast($interval_start as date)
        and counted_on < cast($interval_end as date)
)
select
    counted_on, channel, _instance as instance, subscription, case country when 'ZZ' then 'zz' else country end as country,
    trial_starts, paid_conversions, cancellations, active_trial, active_paid, _file_id, _line
from counted
