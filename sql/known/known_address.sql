-- One row per address: its latest revision, as known (R5).
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_address
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select *, row_number() over (partition by address_id order by valid_from desc nulls last) as nth
    from known
)
select
    address_id,
    email_domain,
    company_name,
    country_code,
    state_or_region,
    city,
    postal_code,
    address_line_1,
    address_line_2,
    address_line_3,
    valid_from,
    valid_from as revision_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as revision_to,
    true as is_latest,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
