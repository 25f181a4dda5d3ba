-- One row per title, territory, availability type and currency of the month: the rate card on the hours that were watched.
with
steps as (
    select
        *,
        -- R58: a rate per hour has ten decimals
        round(cast(rate_per_hour as decimal(28, 18)), 10) as rate
    from known_royalty_step
    where month < cast($interval_end as date)
),
paid as (
    -- R58: hours by rate; seconds are divided last, fractions of a cent stay
    select *, cast(round(cast(seconds_paid as decimal(28, 10)) * cast(rate as decimal(18, 10)) / 3600, 12) as decimal(30, 12)) as royalty
    from steps
),
months as (
    select
        channel, title_key, country, availability_type, month, cap_year, currency,
        max(cer) as cer,
        max(cer_source) as cer_source,
        max(seconds) as seconds,
        max(seconds_under_cap) as seconds_under_cap,
        sum(seconds_paid) as seconds_paid,
        min(case when seconds_paid > 0 then rate end) as lowest_rate,
        max(case when seconds_paid > 0 then rate end) as highest_rate,
        cast(max(payment_cap) as decimal(30, 12)) as payment_cap,
        cast(sum(royalty) as decimal(30, 12)) as royalty
    from paid
    group by channel, title_key, country, availability_type, month, cap_year, currency
),
counted as (
    select
        *,
        cast(coalesce(sum(royalty) over (
            partition by channel, title_key, country, availability_type, cap_year, currency order by month
            rows between unbounded preceding and 1 preceding
        ), 0) as decimal(30, 12)) as royalty_before
    from months
),
capped as (
    -- R59: of the year's sum, what is over the cap is not paid
    select
        *,
        least(cast(royalty_before + royalty as decimal(30, 12)), coalesce(payment_cap, cast(royalty_before + royalty as decimal(30, 12))))
        - least(royalty_before, coalesce(payment_cap, royalty_before)) as estimated
    from counted
    where month = cast($interval_start as date)
),
rates as (
    -- R55
    select currency, valid_from, valid_to, cast(per_euro as decimal(20, 6)) as per_euro, cast(usd_per_euro as decimal(20, 6)) as usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
)
select
    c.channel,
    c.title_key,
    c.country,
    c.availability_type,
    round(c.cer * 100, 6) as cer,
    c.cer_source,
    round(cast(c.seconds as decimal(28, 10)) / 3600, 6) as hours_watched,
    round(cast(c.seconds - c.seconds_under_cap as decimal(28, 10)) / 3600, 6) as hours_over_cap,
    round(cast(c.seconds_paid as decimal(28, 10)) / 3600, 6) as hours_paid,
    -- several rates of a tiered card have no one rate
    case when c.lowest_rate = c.highest_rate then c.lowest_rate end as rate_per_hour,
    c.currency,
    c.royalty,
    c.royalty - c.estimated as over_payment_cap,
    c.estimated as estimated_royalty,
    round(case when c.currency = 'USD' then cast(c.estimated as decimal(38, 10)) else cast(c.estimated as decimal(38, 10)) * r.usd_per_euro / r.per_euro end, 10) as estimated_royalty_usd
from capped as c
left join rates as r
    on c.currency = r.currency and cast($interval_end as date) - 1 >= r.valid_from and cast($interval_end as date) - 1 < r.valid_to
