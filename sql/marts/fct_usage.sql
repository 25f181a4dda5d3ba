-- One row per known version of a revision of a daily usage line: what was known of it from known_from until known_to.
with
lines as (
    select * from stg_aws_daily_usage
),
-- Most lines come once; only the others need their versions put in order, and only their keys for that.
repeated as (
    select
        _instance,
        usage_feed_id,
        coalesce(min(valid_from) <> max(valid_from), false) as has_revisions
    from lines
    group by _instance, usage_feed_id
    having count(*) > 1
),
ordered_versions as (
    -- R1, R4: the version written last counts from the moment it was known
    select
        l._file_id,
        l._line,
        l._known_at,
        r.has_revisions,
        lead(l._known_at) over (
            partition by l._instance, l.usage_feed_id, l.valid_from
            order by l._known_at, l._file_id, l._line
        ) as next_known_at
    from repeated as r
    inner join lines as l on r._instance = l._instance and r.usage_feed_id = l.usage_feed_id
),
repeated_versions as (
    select
        _file_id,
        _line,
        has_revisions,
        next_known_at,
        -- of two equal copies one stays
        coalesce(next_known_at > _known_at, true) as is_last_copy
    from ordered_versions
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select
        l.*,
        coalesce(r.has_revisions, false) as has_revisions,
        r.next_known_at
    from lines as l
    left join repeated_versions as r on l._file_id = r._file_id and l._line = r._line
    where l.delete_date is null and coalesce(r.is_last_copy, true)
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
    next_known_at as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from published
