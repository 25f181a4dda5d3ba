-- One row per month, product, title, country and currency.
select
    cast(date_trunc('month', usage_date) as date) as month,
    product_id,
    product_title,
    country,
    currency,
    sum(units) as units,
    sum(gross_amount) as gross
from wide_usage_line
group by cast(date_trunc('month', usage_date) as date), product_id, product_title, country, currency
