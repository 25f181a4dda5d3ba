-- One row per line of a tax item that came more than once: until when its version was the newest one known.
with
lines as (
    select tax_item_id, valid_from, _known_at, period_month, _instance, _file_id, _line
    from stg_aws_tax_item
),
-- Most come once; only the others need their versions put in order, and only their keys for that.
repeated as (
    select
        _instance,
        tax_item_id
    from lines
    group by _instance, tax_item_id
    having count(*) > 1
),
ordered_versions as (
    -- R1, R4: the version written last counts from the moment it was known, for its valid_from
    select
        e.*,
        lead(e._known_at) over (
            partition by e._instance, e.tax_item_id, e.valid_from
            order by e._known_at, e._file_id, e._line
        ) as next_known_at
    from repeated as r
    inner join lines as e on r._instance = e._instance and r.tax_item_id = e.tax_item_id
)
select
    tax_item_id,
    _known_at as known_from,
    next_known_at as known_to,
    -- of two equal copies one stays
    coalesce(next_known_at > _known_at, true) as is_last_copy,
    period_month,
    _instance,
    _file_id,
    _line
from ordered_versions
