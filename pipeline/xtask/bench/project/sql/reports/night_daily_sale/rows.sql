-- One row per day, product, customer and currency, of the covered day.
select period_month, usage_date, product_id, customer_id, currency, sum(units) as units, sum(gross) as gross
from int_daily_transaction
where period_month = cast(date_trunc('month', $interval_start) as date) and usage_date = cast($interval_start as date)
group by period_month, usage_date, product_id, customer_id, currency
