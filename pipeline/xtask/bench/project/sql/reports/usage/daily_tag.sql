-- One row per day, tag and currency; lines without a tag stand under "none".
with
lines as (
    select usage_date, coalesce(ref_tag, 'none') as ref_tag, currency, customer_id, transaction_id, gross_amount from wide_usage_line
),
transactions as (
    select usage_date, ref_tag, currency, transaction_id, customer_id, sum(gross_amount) as gross
    from lines
    group by usage_date, ref_tag, currency, transaction_id, customer_id
),
customers as (
    select usage_date, ref_tag, currency, customer_id, count(*) as transactions, sum(gross) as gross
    from transactions
    group by usage_date, ref_tag, currency, customer_id
)
select usage_date, ref_tag, currency, count(*) as customers, cast(sum(transactions) as bigint) as transactions, sum(gross) as gross
from customers
group by usage_date, ref_tag, currency
