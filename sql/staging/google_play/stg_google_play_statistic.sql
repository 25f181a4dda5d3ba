-- One row per day, package, dimension and metric.
select
    report,
    dimension,
    counted_on,
    package_name,
    dimension_value,
    metric,
    value,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from google_play_statistic
