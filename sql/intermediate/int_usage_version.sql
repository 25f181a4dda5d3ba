-- One row per line of a usage line that came more than once: until when its version was the newest one known.
with
lines as (
    select usage_feed_id, valid_from, _known_at, period_month, _instance, _file_id, _line
    from stg_aws_daily_usage
),
-- Most come once; only the others need their versions put in order, and only their keys for that.
repeated as (
    select
        _instance,
        usage_feed_id,
        coalesce(min(valid_from) <> max(valid_from), false) as has_revisions
    from lines
    group by _instance, usage_feed_id
    having count(*) > 1
),
ordered_versions as (
    -- R1, R4: the version written last counts from the moment it was known, for its valid_from
    select
        e.*,
        r.has_revisions,
        lead(e._known_at) over (
            partition by e._instance, e.usage_feed_id, e.valid_from
            order by e._known_at, e._file_id, e._line
        ) as next_known_at
    from repeated as r
    inner join lines as e on r._instance = e._instance and r.usage_feed_id = e.usage_feed_id
)
select
    usage_feed_id,
    _known_at as known_from,
    next_known_at as known_to,
    -- of two equal copies one stays
    coalesce(next_known_at > _known_at, true) as is_last_copy,
    has_revisions,
    period_month,
    _instance,
    _file_id,
    _line
from ordered_versions
