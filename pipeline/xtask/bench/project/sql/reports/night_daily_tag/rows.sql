-- One row per day, tag and currency, of the covered day; what has no tag stands under "none". Distinct counts are written as groups of groups.
with
transactions as (
    select period_month, usage_date, coalesce(ref_tag, 'none') as ref_tag, currency, customer_id, transaction_id, sum(gross) as gross
    from int_daily_transaction
    where period_month = cast(date_trunc('month', $interval_start) as date) and usage_date = cast($interval_start as date)
    group by period_month, usage_date, coalesce(ref_tag, 'none'), currency, customer_id, transaction_id
),
customers as (
    select period_month, usage_date, ref_tag, currency, customer_id, count(*) as transactions, sum(gross) as gross
    from transactions
    group by period_month, usage_date, ref_tag, currency, customer_id
)
select period_month, usage_date, ref_tag, currency, count(*) as customers, cast(sum(transactions) as bigint) as transactions, sum(gross) as gross
from customers
group by period_month, usage_date, ref_tag, currency
