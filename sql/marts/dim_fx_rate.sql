-- One row per currency and day with a rate.
with
numbered as (
    select *, row_number() over (partition by currency, rate_on order by _instance, _file_id, _line) as nth
    from stg_ecb_rates_rate
),
rates as (
    select currency, rate_on, rate, _known_at, _instance, _file_id, _line from numbered where nth = 1
),
dollars as (
    select rate_on, rate from rates where currency = 'USD'
),
with_euro as (
    select currency, rate_on, rate, _known_at, _instance, _file_id, _line from rates
    union all
    select 'EUR' as currency, rate_on, 1 as rate, _known_at, _instance, _file_id, _line from rates where currency = 'USD'
),
ordered as (
    select *, lead(rate_on) over (partition by currency order by rate_on) as next_rate_on
    from with_euro
)
select
    o.currency,
    o.rate_on as valid_from,
    -- R55: until the next rate, but for a week at most
    cast(least(coalesce(o.next_rate_on, o.rate_on + interval '8 days'), o.rate_on + interval '8 days') as date) as valid_to,
    o.rate as per_euro,
    d.rate as usd_per_euro,
    'European Central Bank' as source,
    o._known_at as known_from,
    null as known_to,
    o._instance,
    o._file_id,
    o._line
from ordered as o
left join dollars as d on o.rate_on = d.rate_on
