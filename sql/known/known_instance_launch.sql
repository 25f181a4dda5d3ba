-- One row per launch of an instance, as known at $known_at.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_instance_launch
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
old_products as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'PRODUCT'
)
select
    instance_id,
    account_id,
    coalesce(p.new_id, product_id) as product_id,
    instance_type,
    launched_at,
    launch_day,
    period_month,
    known._instance,
    known._file_id,
    known._line
from known
left join old_products as p
    on known.product_id = p.legacy_id
