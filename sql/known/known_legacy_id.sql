-- One row per kind and old id: the id that took its place, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_legacy_id
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select *, row_number() over (partition by mapping_type, legacy_id order by valid_from desc nulls last) as nth
    from known
)
select
    mapping_type,
    legacy_id,
    new_id,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
