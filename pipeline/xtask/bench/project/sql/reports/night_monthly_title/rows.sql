-- One row per month, product, title, country and currency, of the covered month so far.
select period_month, product_id, product_title, country, currency, sum(units) as units, sum(gross) as gross
from int_daily_transaction
where period_month = cast(date_trunc('month', $interval_start) as date)
group by period_month, product_id, product_title, country, currency
