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
repeated_events as (
    select
        v._file_id,
        v._line,
        row_number() over (
            partition by v._instance, v.period_month, v.occurred_at, v.session_id, v.account_id, v.path, v.event
            order by v._file_id, v._line
        ) as copy
    from repeated as r
    inner join visits as v
        on r._instance = v._instance
        and r.period_month = v.period_month
        and r.occurred_at = v.occurred_at
        and r.session_id = v.session_id
),
events as (
    -- an event that was delivered twice is one event
    select v.*
    from visits as v
    left join repeated_events as r on v._file_id = r._file_id and v._line = r._line
    where coalesce(r.copy, 1) = 1
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
