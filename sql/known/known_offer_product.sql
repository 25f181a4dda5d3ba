-- One row per offer and product: the products of the offer's highest revision, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_offer_product
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
ranked as (
    select
        *,
        max(offer_revision) over (partition by offer_id) as last_revision,
        row_number() over (partition by offer_id, offer_revision, product_id order by valid_from desc nulls last) as nth
    from known
)
select
    offer_id,
    offer_revision,
    product_id,
    valid_from,
    _instance,
    _file_id,
    _line
from ranked
where offer_revision = last_revision and nth = 1
