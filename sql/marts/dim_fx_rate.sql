-- One row per currency, day with a rate, and from when it was known until which day the rate holds.
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
    select
        *,
        -- R55: for a week at most
        cast(rate_on + interval '8 days' as date) as week_to,
        lead(rate_on) over (partition by currency order by rate_on) as next_rate_on,
        lead(_known_at) over (partition by currency order by rate_on) as next_known_at
    from with_euro
),
versions as (
    -- R4: a rate that is not known yet ends no other. The rate of a later day is known later
    select *, week_to as valid_to, _known_at as known_from, case when next_rate_on < week_to then next_known_at end as known_to
    from ordered
    union all
    select *, next_rate_on as valid_to, next_known_at as known_from, null as known_to
    from ordered
    where next_rate_on < week_to
)
select
    v.currency,
    v.rate_on as valid_from,
    v.valid_to,
    v.rate as per_euro,
    d.rate as usd_per_euro,
    'European Central Bank' as source,
    v.known_from,
    v.known_to,
    v._instance,
    v._file_id,
    v._line
from versions as v
left join dollars as d on v.rate_on = d.rate_on
