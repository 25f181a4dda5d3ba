-- One row per tagged visit of a product page, as known at $known_at.
select
    session_id,
    account_id,
    path,
    event,
    asin,
    ref_tag,
    occurred_at,
    visit_day,
    period_month,
    _instance,
    _file_id,
    _line
from fct_ref_visit
-- R4: what is known at $known_at
where _instance = $instance
    and known_from <= $known_at
    and (known_to is null or known_to > $known_at)
    -- R29: without a tag or a product page it is left out
    and asin is not null
    and ref_tag is not null
