-- One row per customer and currency.
with
revenue as (
    select country, currency, customer_id, sum(gross_amount) as gross from wide_usage_line group by country, currency, customer_id
)
select
    country,
    currency,
    customer_id,
    gross,
    cast(rank() over (partition by country, currency order by gross desc) as bigint) as place,
    count(*) over (partition by country, currency) as customers
from revenue
