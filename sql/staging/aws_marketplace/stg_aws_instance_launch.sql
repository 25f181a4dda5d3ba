-- One row per launched instance.
select
    launched_at,
    account_id,
    product_id,
    instance_type,
    instance_id,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from aws_instance_launch
