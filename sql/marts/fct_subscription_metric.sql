-- One row per line of an export.
with
prime_video as (
    select
        'amazon_prime_video_direct' as channel,
        subscription,
        cast(null as text) as subscription_id,
        coalesce(country, 'ZZ') as country,
        country_reason,
        counted_on,
        trial_starts,
        paid_conversions,
        cancellations,
        active_trial,
        active_paid,
        _known_at, period_month, _instance, _file_id, _line
    from stg_amazon_prime_video_direct_subscription_metrics
),
apple_active as (
    select
        'apple' as channel,
        subscription_name as subscription,
        subscription_id,
        coalesce(country, 'ZZ') as country,
        country_reason,
        counted_on,
        cast(null as bigint) as trial_starts,
        cast(null as bigint) as paid_conversions,
        cast(null as bigint) as cancellations,
        coalesce(active_free_trial, 0) + coalesce(free_trial_promotional, 0) + coalesce(free_trial_offer_code, 0) + coalesce(free_trial_win_back, 0) as active_trial,
        coalesce(active_standard, 0)
            + coalesce(active_pay_up_front, 0) + coalesce(active_pay_as_you_go, 0)
            + coalesce(pay_up_front_promotional, 0) + coalesce(pay_as_you_go_promotional, 0)
            + coalesce(pay_up_front_offer_code, 0) + coalesce(pay_as_you_go_offer_code, 0)
            + coalesce(pay_up_front_win_back, 0) + coalesce(pay_as_you_go_win_back, 0) as active_paid,
        _known_at, period_month, _instance, _file_id, _line
    from stg_apple_subscription
),
apple_events as (
    select
        'apple' as channel,
        subscription_name as subscription,
        subscription_id,
        coalesce(country, 'ZZ') as country,
        country_reason,
        event_on as counted_on,
        case
            when event in ('Start Introductory Offer', 'Start Introductory Price', 'Start Promotional Offer', 'Start Free Trial') and lower(coalesce(offer_type, 'free trial')) = 'free trial' then quantity
            -- reports that know these name the kind of offer
            when event in ('Start Offer Code', 'Start Win-Back Offer') and lower(offer_type) = 'free trial' then quantity
        end as trial_starts,
        case
            when event in (
                'Paid Subscription from Introductory Offer', 'Paid Subscription from Introductory Price', 'Paid Subscription from Free Trial',
                'Paid Subscription from Promotional Offer', 'Paid Subscription from Offer Code', 'Paid Subscription from Win-Back Offer'
            ) then quantity
        end as paid_conversions,
        case when event in ('Cancel', 'Canceled from Billing Retry', 'Cancelled from Billing Retry') then quantity end as cancellations,
        cast(null as bigint) as active_trial,
        cast(null as bigint) as active_paid,
        _known_at, period_month, _instance, _file_id, _line
    from stg_apple_subscription_event
),
lines as (
    select * from prime_video
    union all
    select * from apple_active
    union all
    select * from apple_events
)
select
    channel,
    subscription,
    subscription_id,
    country,
    country_reason,
    counted_on,
    trial_starts,
    paid_conversions,
    cancellations,
    active_trial,
    active_paid,
    _known_at as known_from,
    null as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from lines
