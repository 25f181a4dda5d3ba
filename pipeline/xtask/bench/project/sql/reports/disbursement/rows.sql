-- One row per month, currency and status of the disbursement; what is not disbursed stands under "open".
with
billed as (
    select period_month, transaction_id, currency, sum(gross) as gross
    from int_daily_transaction
    group by period_month, transaction_id, currency
),
disbursed as (
    -- a transaction is disbursed once
    select period_month, transaction_id, currency, status, sum(amount) as amount
    from wide_disbursement
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
