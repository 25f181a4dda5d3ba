-- One row per title, currency apart; what the statements of the month say.
with
earnings as (
    -- R4: what is known at $known_at
    select * from fct_earning
    where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and period_end >= cast($interval_start as date)
        and period_end < cast($interval_end as date)
),
rates as (
    -- R55
    select currency, valid_from, valid_to, cast(per_euro as decimal(20, 6)) as per_euro, cast(usd_per_euro as decimal(20, 6)) as usd_per_euro
    from dim_fx_rate
    where known_from <= $known_at
),
titles as (
    select channel, title_ref, catalogue_title from dim_title
),
lines as (
    select
        e.channel,
        e._instance as instance,
        coalesce(t.catalogue_title, e.title_name, e.title_id, 'unknown') as title,
        e.season,
        e.currency,
        e.quantity,
        e.seconds,
        e.amount,
        e.period_end,
        e.channel as of_channel
    from earnings as e
    left join titles as t on e.channel = t.channel and e.title_ref = t.title_ref
),
sums as (
    select channel, instance, title, season, currency, period_end, count(*) as lines, sum(quantity) as quantity, sum(seconds) as seconds, sum(amount) as amount
    from lines
    group by channel, instance, title, season, currency, period_end
),
converted as (
    -- R55: at the rate of the period's last day
    select s.*, case when s.currency = 'USD' then cast(s.amount as decimal(38, 10)) else cast(s.amount as decimal(38, 10)) * r.usd_per_euro / r.per_euro end as usd
    from sums as s
    left join rates as r on s.currency = r.currency and s.period_end >= r.valid_from and s.period_end < r.valid_to
)
select
    channel,
    instance,
    title,
    season,
    currency,
    sum(lines) as lines,
    sum(quantity) as quantity,
    round(cast(sum(seconds) as decimal(28, 10)) / 3600, 6) as hours,
    sum(amount) as earned,
    round(sum(usd), 6) as earned_usd
from converted
group by channel, instance, title, season, currency
