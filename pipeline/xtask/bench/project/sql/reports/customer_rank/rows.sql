-- One row per customer and currency. The percent rank is the fraction (place - 1) / (customers - 1): no float.
with
revenue as (
    select country, currency, customer_id, sum(gross) as gross
    from int_daily_transaction
    group by country, currency, customer_id
)
select
    country,
    currency,
    customer_id,
    gross,
    cast(rank() over (partition by country, currency order by gross desc) as bigint) as place,
    count(*) over (partition by country, currency) as customers
from revenue
