-- One row per offer: its highest revision, as known (R5).
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_offer
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select *, row_number() over (partition by offer_id order by offer_revision desc nulls last, valid_from desc nulls last) as nth
    from known
)
select
    offer_id,
    offer_revision,
    name,
    expiration_date,
    opportunity_id,
    opportunity_name,
    opportunity_description,
    seller_account_id,
    valid_from,
    valid_from as revision_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as revision_to,
    true as is_latest,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
