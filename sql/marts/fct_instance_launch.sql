-- One row per launch of an instance.
with
launches as (
    select * from stg_aws_instance_launch
),
copies as (
    -- a launch that was delivered twice is one launch
    select
        *,
        row_number() over (
            partition by _instance, period_month, launched_at, account_id, product_id, instance_type, instance_id
            order by _file_id, _line
        ) as copy
    from launches
)
select
    instance_id,
    account_id,
    product_id,
    instance_type,
    launched_at,
    cast(launched_at as date) as launch_day,
    _known_at as known_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from copies
where copy = 1
