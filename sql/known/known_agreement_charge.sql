-- One row per agreement, term and planned date: the latest revision of the charge, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_agreement_charge
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select *, row_number() over (partition by agreement_id, term_id, charge_time order by valid_from desc nulls last) as nth
    from known
)
select
    agreement_id,
    term_id,
    charge_time,
    amount,
    currency_code,
    valid_from,
    valid_from as revision_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as revision_to,
    true as is_latest,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
