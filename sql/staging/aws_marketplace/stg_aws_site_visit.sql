-- One row per event of a session on a product page.
select
    occurred_at,
    session_id,
    account_id,
    path,
    event,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from aws_site_visit
