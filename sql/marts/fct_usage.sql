-- One row per known version of a revision of a daily usage line: what was known of it from known_from until known_to.
with
lines as (
    select * from stg_aws_daily_usage
),
-- Most lines come once; only the others need their versions put in order.
repeated as (
    select
        _instance,
        usage_feed_id,
        coalesce(min(valid_from) <> max(valid_from), false) as has_revisions
    from lines
    group by _instance, usage_feed_id
    having count(*) > 1
),
single_versions as (
    select
        l.*,
        false as has_revisions,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as next_known_at
    from lines as l
    where not exists (
        select 1 from repeated as r
        where l._instance = r._instance and l.usage_feed_id = r.usage_feed_id
    )
),
ordered_versions as (
    -- R1, R4: the version written last counts from the moment it was known; of two equal copies one stays
    select
        l.*,
        r.has_revisions,
        lead(l._known_at) over (
            partition by l._instance, l.usage_feed_id, l.valid_from
            order by l._known_at, l._file_id, l._line
        ) as next_known_at
    from repeated as r
    inner join lines as l
        on r._instance = l._instance and r.usage_feed_id = l.usage_feed_id
),
versions as (
    select * from single_versions
    union all
    select * from ordered_versions
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select *
    from versions
    where delete_date is null and (next_known_at is null or next_known_at > _known_at)
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
    case when lower(usage_unit) in ('h', 'hr', 'hrs', 'hour', 'hours') then usage_quantity end as usage_hours,
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
