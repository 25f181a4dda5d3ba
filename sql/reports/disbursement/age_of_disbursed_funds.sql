-- One row per disbursement and currency: what it paid, by age.
with
aged as (
    -- R13, R14: calendar days between the disbursement and the event's own invoice date; disbursed lines carry the opposite sign
    select
        disbursement_id,
        paid_currency as currency,
        -paid_amount as amount,
        cast(disbursed_at as date) - cast(invoice_date as date) as age
    from known_disbursement
),
buckets as (
    select
        disbursement_id,
        currency,
        sum(amount) filter (where age < 31) as under_31,
        sum(amount) filter (where age between 31 and 60) as from_31_to_60,
        sum(amount) filter (where age between 61 and 90) as from_61_to_90,
        sum(amount) filter (where age between 91 and 120) as from_91_to_120,
        sum(amount) filter (where age > 120) as over_120
    from aged
    group by disbursement_id, currency
),
rounded as (
    -- R14: each bucket is rounded
    select
        disbursement_id,
        currency,
        round(coalesce(under_31, 0), 2) as collected_31_days_pending,
        round(coalesce(from_31_to_60, 0), 2) as collected_31_60_days_pending,
        round(coalesce(from_61_to_90, 0), 2) as collected_61_90_days_pending,
        round(coalesce(from_91_to_120, 0), 2) as collected_91_120_days_pending,
        round(coalesce(over_120, 0), 2) as collected_120_days_pending
    from buckets
)
select
    collected_31_days_pending,
    collected_31_60_days_pending,
    collected_61_90_days_pending,
    collected_91_120_days_pending,
    collected_120_days_pending,
    -- R14: the sum of the rounded buckets
    collected_31_days_pending + collected_31_60_days_pending + collected_61_90_days_pending + collected_91_120_days_pending + collected_120_days_pending as collected_overall,
    currency,
    disbursement_id
from rounded
