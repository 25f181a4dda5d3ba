-- One row per known version of a revision of a product: what was known of it from known_from until known_to.
with
versions as (
    -- R1, R4: the version written last counts from the moment it was known; of two equal copies one stays
    select
        *,
        lead(_known_at) over (partition by _instance, product_id, valid_from order by _known_at, _file_id, _line) as next_known_at
    from stg_aws_product
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select *
    from versions
    where delete_date is null and (next_known_at is null or next_known_at > _known_at)
)
select
    product_id,
    manufacturer_account_id,
    product_code,
    title,
    valid_from,
    _known_at as known_from,
    next_known_at as known_to,
    _instance,
    _file_id,
    _line
from published
