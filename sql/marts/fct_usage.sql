-- One row per known version of a revision of a daily usage line: what was known of it from known_from until known_to.
with
lines as (
    select * from stg_aws_daily_usage
),
versions as (
    select * from int_usage_version
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select
        l.*,
        coalesce(v.has_revisions, false) as has_revisions,
        v.known_to
    from lines as l
    left join versions as v
        on l.period_month = v.period_month and l._file_id = v._file_id and l._line = v._line
    where l.delete_date is null and coalesce(v.is_last_copy, true)
)
select
    usage_feed_id,
    product_id,
    agreement_id,
    offer_id,
    end_user_account_id,
    payer_account_id,
    recipient_account_id,
    region,
    dimension_key,
    usage_unit,
    charge_item_description,
    usage_quantity,
    -- R32, R38: hours are quantities whose unit is hours
    case when lower(trim(usage_unit)) in ('h', 'hr', 'hrs', 'hour', 'hours') then usage_quantity end as usage_hours,
    pricing_currency,
    usage_rate_per_unit_in_pricing_currency,
    estimated_revenue_in_pricing_currency,
    cast(usage_date as date) as usage_date,
    valid_from,
    has_revisions,
    _known_at as known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from published
