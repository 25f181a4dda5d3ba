-- One row per day, transaction, product, customer and tag, with what was used and billed.
select
    usage_date,
    transaction_id,
    product_id,
    product_title,
    customer_id,
    country,
    currency,
    ref_tag,
    sum(units) as units,
    sum(gross_amount) as gross,
    period_month
from wide_usage_line
group by period_month, usage_date, transaction_id, product_id, product_title, customer_id, country, currency, ref_tag
