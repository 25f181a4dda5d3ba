-- One row per currency: what is due and not disbursed at the end of the day, by age.
with
aged as (
    -- R13: calendar days between the day and the event's own invoice date
    select
        currency,
        amount,
        cast($interval_start as date) - cast(own_invoice_date as date) as age
    from known_open_receivable
    -- R13: at least one day past the event's own due date
    where cast($interval_start as date) - own_payment_due_on >= 1
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
        round(coalesce(under_31, 0), 2) as past_due_31_days,
        round(coalesce(from_31_to_60, 0), 2) as past_due_31_60_days,
        round(coalesce(from_61_to_90, 0), 2) as past_due_61_90_days,
        round(coalesce(from_91_to_120, 0), 2) as past_due_91_120_days,
        round(coalesce(over_120, 0), 2) as past_due_120_days
    from buckets
)
select
    past_due_31_days,
    past_due_31_60_days,
    past_due_61_90_days,
    past_due_91_120_days,
    past_due_120_days,
    -- R14: the sum of the rounded buckets
    past_due_31_days + past_due_31_60_days + past_due_61_90_days + past_due_91_120_days + past_due_120_days as past_due_overall,
    currency
from rounded
