-- One row per currency: what the roll-forward leaves open at the end of the month against the open events by age.
with
counted as (
    -- R12, R45: every movement that counts at the end of the interval
    select currency, sum(amount) as closing
    from known_receivable
    where moved_at < $interval_end and (undone_at is null or undone_at >= $interval_end)
    group by currency
),
aged as (
    -- R13: calendar days between the interval's last day and the event's own invoice date
    select
        currency,
        amount,
        cast($interval_end as date) - cast(own_invoice_date as date) - 1 as age
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
both_sides as (
    select
        c.currency,
        c.closing,
        coalesce(b.under_31, 0) as uncollected_31_days,
        coalesce(b.from_31_to_60, 0) as uncollected_31_60_days,
        coalesce(b.from_61_to_90, 0) as uncollected_61_90_days,
        coalesce(b.from_91_to_120, 0) as uncollected_91_120_days,
        coalesce(b.over_120, 0) as uncollected_120_days
    from counted as c
    left join buckets as b on c.currency = b.currency
)
select
    currency,
    closing,
    uncollected_31_days,
    uncollected_31_60_days,
    uncollected_61_90_days,
    uncollected_91_120_days,
    uncollected_120_days,
    uncollected_31_days + uncollected_31_60_days + uncollected_61_90_days + uncollected_91_120_days + uncollected_120_days as uncollected_overall,
    closing - (uncollected_31_days + uncollected_31_60_days + uncollected_61_90_days + uncollected_91_120_days + uncollected_120_days) as difference
from both_sides
