-- One row per subscription, marketplace and day or month.
select
    counted_on,
    subscription,
    marketplace,
    country,
    country_reason,
    trial_starts,
    paid_conversions,
    cancellations,
    active_trial,
    active_paid,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from amazon_prime_video_direct_subscription_metrics
