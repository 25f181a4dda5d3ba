-- One row per day, product, customer and currency.
select period_month, usage_date, product_id, customer_id, currency, sum(units) as units, sum(gross) as gross
from int_daily_transaction
group by period_month, usage_date, product_id, customer_id, currency
