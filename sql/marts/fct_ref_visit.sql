-- One row per event of a session on a product page, with the page's ASIN and the ref tag that its path carries.
with
visits as (
    select * from stg_aws_site_visit
),
copies as (
    select * from int_site_visit_copy
),
events as (
    -- an event that was delivered twice is one event
    select v.*
    from visits as v
    left join copies as c
        on v.period_month = c.period_month and v._file_id = c._file_id and v._line = c._line
    where c._line is null
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
