-- One row per known version of a target of an offer: what was known of it from known_from until known_to.
with
versions as (
    -- R1, R4: the version written last counts from the moment it was known; of two equal copies one stays
    select
        *,
        lead(_known_at) over (partition by _instance, offer_target_id, valid_from order by _known_at, _file_id, _line) as next_known_at
    from stg_aws_offer_target
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select *
    from versions
    where delete_date is null and (next_known_at is null or next_known_at > _known_at)
)
select
    offer_target_id,
    offer_id,
    offer_revision,
    target_type,
    polarity,
    value,
    valid_from,
    _known_at as known_from,
    next_known_at as known_to,
    _instance,
    _file_id,
    _line
from published
