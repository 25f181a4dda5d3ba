-- One row per currency: what is not disbursed at the end of the day, by age.
with
aged as (
    -- R13: calendar days between the day and the event's own invoice date
    select
        currency,
        amount,
        cast($interval_start as date) - cast(own_invoice_date as date) as age
    from known_open_receivable
),
buckets as (
    select
        currency,
        sum(amount) filter (where age < 31) as under_31,
        sum(amount) filter (where age between 31 and 60) as from_31_to_60,
        sum(amount) filter (where age between 61 and 90) as from_61_to_90,
        sum(amount) filter (where age between 91 and 120) as from_91_to_120,
        sum(amount) filter (where age > 120) as over_120
    from aged
    group by currency
),
rounded as (
    -- R14: each bucket is rounded
    select
        currency,
        round(coalesce(under_31, 0), 2) as uncollected_31_days_pending,
        round(coalesce(from_31_to_60, 0), 2) as uncollected_31_60_days_pending,
        round(coalesce(from_61_to_90, 0), 2) as uncollected_61_90_days_pending,
        round(coalesce(from_91_to_120, 0), 2) as uncollected_91_120_days_pending,
        round(coalesce(over_120, 0), 2) as uncollected_120_days_pending
    from buckets
)
select
    uncollected_31_days_pending,
    uncollected_31_60_days_pending,
    uncollected_61_90_days_pending,
    uncollected_91_120_days_pending,
    uncollected_120_days_pending,
    -- R14: the sum of the rounded buckets
    uncollected_31_days_pending + uncollected_31_60_days_pending + uncollected_61_90_days_pending + uncollected_91_120_days_pending + uncollected_120_days_pending as uncollected_overall,
    currency
from rounded
