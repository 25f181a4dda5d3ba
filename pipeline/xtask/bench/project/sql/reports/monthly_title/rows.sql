-- One row per month, product, title, country and currency.
select period_month, product_id, product_title, country, currency, sum(units) as units, sum(gross) as gross
from int_daily_transaction
group by period_month, product_id, product_title, country, currency
