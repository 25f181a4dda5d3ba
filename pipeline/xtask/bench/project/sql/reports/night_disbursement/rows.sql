-- One row per month, currency and status of the disbursement, of the months that the day's disbursements belong to; what is not disbursed stands under "open".
with
billed as (
    select period_month, transaction_id, currency, sum(gross) as gross
    from int_daily_transaction
    where period_month >= cast(date_trunc('month', $interval_start - interval '30 days') as date)
    group by period_month, transaction_id, currency
),
disbursed as (
    -- a transaction is disbursed once
    select period_month, transaction_id, currency, status, sum(amount) as amount
    from wide_disbursement
    where period_month >= cast(date_trunc('month', $interval_start - interval '30 days') as date)
    group by period_month, transaction_id, currency, status
)
select
    b.period_month,
    b.currency,
    coalesce(d.status, 'open') as status,
    count(*) as transactions,
    sum(b.gross) as billed,
    sum(coalesce(d.amount, 0)) as disbursed
from disbursed as d
right join billed as b on d.period_month = b.period_month and d.transaction_id = b.transaction_id and d.currency = b.currency
group by b.period_month, b.currency, coalesce(d.status, 'open')
