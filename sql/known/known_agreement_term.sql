-- One row per agreement and term: its latest revision, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_agreement_term
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select *, row_number() over (partition by agreement_id, term_id order by valid_from desc nulls last) as nth
    from known
)
select
    agreement_id,
    term_id,
    term_type,
    term_configuration,
    valid_from,
    valid_from as revision_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as revision_to,
    true as is_latest,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
