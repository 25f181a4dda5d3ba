-- One row per event of a session on a product page, with the page's ASIN and the ref tag that its path carries.
with
visits as (
    select * from stg_aws_site_visit
),
-- Few events come more than once; only those need to be compared.
repeated as (
    select _instance, period_month, occurred_at, session_id
    from visits
    group by _instance, period_month, occurred_at, session_id
    having count(*) > 1
),
single_events as (
    select v.*, 1 as copy
    from visits as v
    where not exists (
        select 1 from repeated as r
        where v._instance = r._instance
            and v.period_month = r.period_month
            and v.occurred_at = r.occurred_at
            and v.session_id = r.session_id
    )
),
repeated_events as (
    select
        v.*,
        row_number() over (
            partition by v._instance, v.period_month, v.occurred_at, v.session_id, v.account_id, v.path, v.event
            order by v._file_id, v._line
        ) as copy
    from visits as v
    where exists (
        select 1 from repeated as r
        where v._instance = r._instance
            and v.period_month = r.period_month
            and v.occurred_at = r.occurred_at
            and v.session_id = r.session_id
    )
),
events as (
    select * from single_events
    union all
    -- an event that was delivered twice is one event
    select * from repeated_events where copy = 1
)
select
    session_id,
    account_id,
    path,
    event,
    -- the segment after /pp/ in the path itself, not in a query or fragment
    regexp_match(path, '^[^?#]*?/pp/([^/?#=]+)(?:[/?#]|$)')[1] as asin,
    -- R29: the text after ref= up to the next /, ? or #; upper and lower case differ
    regexp_match(path, '(?:^|[/?&])ref=([^/?#]+)')[1] as ref_tag,
    occurred_at,
    -- R26: the UTC date
    cast(occurred_at as date) as visit_day,
    _known_at as known_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from events
