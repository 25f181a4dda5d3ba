-- One row per scheduled statement whose period ended by the end of the month.
with
schedule as (
    select * from stg_reference_schedule where _instance = $instance
),
numbers as (
    select unnest(range(0, 600)) as n
),
months as (
    select
        s.channel,
        s.instance,
        s.export,
        s.due_days,
        cast(date_part('year', s.starts_on) as bigint) * 12 + cast(date_part('month', s.starts_on) as bigint) - 1
            + n.n * (case s.period when 'quarter' then 3 else 1 end) as first_month,
        case s.period when 'quarter' then 3 else 1 end as months
    from schedule as s
    cross join numbers as n
),
periods as (
    select
        channel,
        instance,
        export,
        due_days,
        make_date(first_month / 12, first_month % 12 + 1, 1) as period_start,
        make_date((first_month + months) / 12, (first_month + months) % 12 + 1, 1) - 1 as period_end
    from months
),
ended as (
    select * from periods where period_end < cast($interval_end as date)
),
received as (
    -- R4: what is known at $known_at
    select channel, _instance, 'performance' as export, viewed_on as on_day, known_from from fct_view where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
    union all
    select channel, _instance, 'earnings' as export, period_end as on_day, known_from from fct_earning where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
    union all
    select channel, _instance, 'payments' as export, coalesce(period_end, paid_on) as on_day, known_from from fct_payment where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
    union all
    select channel, _instance, 'subscriptions' as export, counted_on as on_day, known_from from fct_subscription_metric where known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
days as (
    select channel, _instance, export, on_day, min(known_from) as known_from from received group by channel, _instance, export, on_day
),
found as (
    select e.channel, e.instance, e.export, e.period_start, min(d.known_from) as received_at
    from ended as e
    inner join days as d on e.channel = d.channel and e.export = d.export
    where d.on_day >= e.period_start
        and d.on_day <= e.period_end
        and (e.instance = '*' or e.instance = d._instance)
    group by e.channel, e.instance, e.export, e.period_start
),
silent as (
    select distinct channel, instance, export, period_start from stg_reference_no_activity where _instance = $instance
),
told as (
    select
        e.channel,
        e.instance,
        e.export,
        e.period_start,
        e.period_end,
        e.period_end + e.due_days as due_on,
        cast(f.received_at as date) as received_on,
        s.channel is not null as is_silent
    from ended as e
    left join found as f on e.channel = f.channel and e.instance = f.instance and e.export = f.export and e.period_start = f.period_start
    left join silent as s on e.channel = s.channel and e.instance = s.instance and e.export = s.export and e.period_start = s.period_start
)
select
    channel,
    instance,
    export,
    period_start,
    period_end,
    due_on,
    received_on,
    case when received_on is null and not is_silent and due_on < cast($known_at as date) then cast($known_at as date) - due_on end as days_late,
    -- R64
    case
        when received_on is not null then 'received'
        when is_silent then 'no activity'
        when due_on < cast($known_at as date) then 'late'
        else 'not due'
    end as status
from told
