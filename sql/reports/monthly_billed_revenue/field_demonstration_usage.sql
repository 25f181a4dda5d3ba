-- One row per product, instance type and unit of the month's usage under field demonstration offers.
with
usage_lines as (
    select *
    from known_usage
    where period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
        and usage_date >= cast($interval_start as date)
        and usage_date < cast($interval_end as date)
),
demonstrations as (
    -- R36: offers that target the program FieldDemonstration
    select offer_id from known_offer_visibility where is_field_demonstration
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
summed as (
    -- R23: the dimension is the instance type, units are not rounded
    select u.product_id, u.dimension_key, u.usage_unit, sum(u.usage_quantity) as usage_units
    from demonstrations as d
    inner join usage_lines as u
        on d.offer_id = u.offer_id
    group by u.product_id, u.dimension_key, u.usage_unit
),
final as (
    select
        p.title as product_title,
        p.product_code,
        s.dimension_key as instance_type,
        s.usage_units,
        s.usage_unit as usage_unit_types,
        s.product_id
    from summed as s
    left join products as p
        on s.product_id = p.product_id
)
select * from final
