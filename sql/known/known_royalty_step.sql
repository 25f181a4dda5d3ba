-- One row per title, territory, availability type, month and step of the rate card that pays for it: the seconds it pays and the rate per hour.
with
watched as (
    select channel, title_key, country, availability_type, month, sum(value) as seconds
    from fct_engagement
    where factor = 'seconds_watched'
        and not is_declared
        -- R4: what is known at $known_at
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
    group by channel, title_key, country, availability_type, month
),
cards as (
    select * from dim_rate_card where _instance = $instance and known_from <= $known_at
),
candidates as (
    select
        w.channel,
        w.title_key,
        w.country,
        w.availability_type,
        w.month,
        w.seconds,
        c.rate_card_id,
        c.country as card_country,
        c.kind,
        c.hours_from,
        c.hours_to,
        c.cer_from,
        c.cer_to,
        c.rate,
        c.rate_to,
        c.currency,
        c.hours_cap,
        c.payment_cap,
        c.year_from,
        max(case when c.country = '*' then 0 else 1 end) over (partition by w.channel, w.title_key, w.country, w.availability_type, w.month) as has_own_card
    from watched as w
    inner join cards as c
        on w.channel = c.channel and w.availability_type = c.availability_type and w.month >= c.valid_from and (c.valid_to is null or w.month < c.valid_to)
    where c.country = w.country or c.country = '*'
),
steps as (
    -- R58: the marketplace's own card, else the one for all
    select * from candidates where has_own_card = 0 or card_country <> '*'
),
first_months as (
    select channel, title_key, country, availability_type, min(month) as first_month
    from watched
    group by channel, title_key, country, availability_type
),
years as (
    -- R59: hours are counted per title and marketplace, in calendar years or in years since its first month
    select
        s.*,
        case s.year_from
            when 'calendar' then cast(date_part('year', s.month) as bigint)
            else
                (cast(date_part('year', s.month) as bigint) * 12 + cast(date_part('month', s.month) as bigint)
                - cast(date_part('year', f.first_month) as bigint) * 12 - cast(date_part('month', f.first_month) as bigint)) / 12
        end as cap_year
    from steps as s
    inner join first_months as f
        on s.channel = f.channel and s.title_key = f.title_key and s.country = f.country and s.availability_type = f.availability_type
),
month_years as (
    select distinct channel, title_key, country, availability_type, month, seconds, cap_year from years
),
counted as (
    select
        *,
        coalesce(
            sum(seconds) over (
                partition by channel, title_key, country, availability_type, cap_year order by month
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as seconds_before
    from month_years
),
ranks as (
    select channel, title_key, country, availability_type, month, cer, cer_source from known_cer
),
placed as (
    select
        y.*,
        c.seconds_before,
        r.cer,
        r.cer_source,
        least(c.seconds_before, coalesce(y.hours_cap * 3600, c.seconds_before)) as capped_before,
        least(c.seconds_before + y.seconds, coalesce(y.hours_cap * 3600, c.seconds_before + y.seconds)) as capped_after
    from years as y
    inner join counted as c
        on y.channel = c.channel and y.title_key = c.title_key and y.country = c.country and y.availability_type = c.availability_type
            and y.month = c.month and y.cap_year = c.cap_year
    left join ranks as r
        on y.channel = r.channel and y.title_key = r.title_key and y.country = r.country and y.availability_type = r.availability_type and y.month = r.month
)
select
    channel,
    title_key,
    country,
    availability_type,
    month,
    cap_year,
    rate_card_id,
    kind,
    currency,
    payment_cap,
    hours_cap,
    cer,
    cer_source,
    seconds,
    capped_after - capped_before as seconds_under_cap,
    greatest(
        least(capped_after, coalesce(hours_to * 3600, capped_after)) - greatest(capped_before, hours_from * 3600),
        0
    ) as seconds_paid,
    -- R58: the rate slides in a straight line over the step; the slope has ten decimals
    case
        when kind = 'cer' then rate + (rate_to - rate) / (cer_to - cer_from) * (cer - cer_from)
        else rate
    end as rate_per_hour
from placed
where kind <> 'cer'
    -- without a CER the hours are shown and nothing is estimated
    or (cer is null and cer_from = 0)
    or (cer >= cer_from and (cer < cer_to or (cer = cer_to and cer_to = 1)))
