-- One row per line that tells an event of a visit again.
with
visits as (
    select * from stg_aws_site_visit
),
-- Few events of a session fall on one instant; only those need to be compared.
together as (
    select _instance, period_month, occurred_at, session_id
    from visits
    group by _instance, period_month, occurred_at, session_id
    having count(*) > 1
),
copies as (
    select
        v.session_id,
        v.period_month,
        v._instance,
        v._file_id,
        v._line,
        row_number() over (
            partition by v._instance, v.period_month, v.occurred_at, v.session_id, v.account_id, v.path, v.event
            order by v._file_id, v._line
        ) as copy
    from together as t
    inner join visits as v
        on t._instance = v._instance
        and t.period_month = v.period_month
        and t.occurred_at = v.occurred_at
        and t.session_id = v.session_id
)
select
    session_id,
    period_month,
    _instance,
    _file_id,
    _line
from copies
where copy > 1
