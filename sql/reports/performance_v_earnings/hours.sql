-- One row per title, territory and availability type that was watched or earned by the hour in the month.
with
titles as (
    select channel, title_ref, title_key from dim_title where title_key is not null
),
watched as (
    -- R4: what is known at $known_at
    select channel, title_key, country, availability_type, sum(value) as seconds
    from fct_engagement
    where factor = 'seconds_watched'
        and not is_declared
        and month = cast($interval_start as date)
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
    group by channel, title_key, country, availability_type
),
earned as (
    select
        e.channel,
        coalesce(t.title_key, e.work_id) as title_key,
        e.country,
        coalesce(e.availability_type, 'not told') as availability_type,
        sum(e.seconds) as seconds,
        count(*) as lines
    from fct_earning as e
    left join titles as t on e.channel = t.channel and e.title_ref = t.title_ref
    where e.seconds is not null
        and cast(date_trunc('month', e.period_start) as date) = cast($interval_start as date)
        and e.known_from <= $known_at
        and (e.known_to is null or e.known_to > $known_at)
    group by e.channel, coalesce(t.title_key, e.work_id), e.country, coalesce(e.availability_type, 'not told')
),
caps as (
    select channel, title_key, country, availability_type, max(seconds - seconds_under_cap) as seconds
    from known_royalty_step
    where month = cast($interval_start as date)
    group by channel, title_key, country, availability_type
),
paired as (
    select
        coalesce(w.channel, e.channel) as channel,
        coalesce(w.title_key, e.title_key) as title_key,
        coalesce(w.country, e.country) as country,
        coalesce(w.availability_type, e.availability_type) as availability_type,
        w.seconds as watched,
        e.seconds as earned,
        coalesce(e.lines, 0) as lines,
        coalesce(e.seconds, 0) - coalesce(w.seconds, 0) as difference
    from watched as w
    full join earned as e
        on w.channel = e.channel and w.title_key = e.title_key and w.country = e.country and w.availability_type = e.availability_type
    -- channels that do not earn by the hour have nothing to compare
    where e.seconds is not null or exists (select 1 from earned as any_line where any_line.channel = w.channel)
),
capped as (
    select p.*, -least(coalesce(c.seconds, 0), greatest(-p.difference, 0)) as over_cap
    from paired as p
    left join caps as c
        on p.channel = c.channel and p.title_key = c.title_key and p.country = c.country and p.availability_type = c.availability_type
),
classed as (
    -- R62: hours are printed with two decimals, so up to 18 seconds of a line are rounding
    select *, difference - over_cap as rest, abs(difference - over_cap) <= 18 * lines as is_rounding
    from capped
)
select
    cast($interval_start as date) as month,
    channel,
    title_key,
    country,
    availability_type,
    round(cast(watched as decimal(28, 10)) / 3600, 6) as hours_watched,
    round(cast(earned as decimal(28, 10)) / 3600, 6) as hours_earned,
    round(cast(difference as decimal(28, 10)) / 3600, 6) as difference,
    round(cast(over_cap as decimal(28, 10)) / 3600, 6) as over_cap,
    round(cast(case when is_rounding then rest else 0 end as decimal(28, 10)) / 3600, 6) as unit_rounding,
    round(cast(case when is_rounding then 0 else rest end as decimal(28, 10)) / 3600, 6) as offline,
    case
        when difference = 0 then 'none'
        when watched is null then 'earned, not watched in the month: reported late by devices'
        when earned is null then 'watched, not earned: not reported yet, or not paid by the hour'
        when over_cap <> 0 and rest = 0 then 'hours cap'
        when over_cap <> 0 then 'hours cap and other'
        when is_rounding then 'unit rounding'
        when difference > 0 then 'offline viewing of earlier months'
        else 'offline viewing not reported yet'
    end as cause
from classed
