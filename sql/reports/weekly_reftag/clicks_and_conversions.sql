-- One row per product and partner or advertising tag.
with
visits as (
    -- R31: partner tags and advertising tags
    select *
    from known_ref_activity
    where session_id is not null
        and (strpos(ref_tag, '_ptnr_') > 0 or starts_with(ref_tag, 'ads_'))
),
sessions as (
    -- R27, R28: distinct sessions per day, tag and page over all events, and those with a subscribe_open
    select
        activity_day,
        asin,
        ref_tag,
        product_code,
        title,
        session_id,
        max(case when event = 'subscribe_open' then 1 else 0 end) as converted
    from visits
    group by activity_day, asin, ref_tag, product_code, title, session_id
),
final as (
    -- R31: the sum of the days over the pages of one product; pages without a product code go by their title
    select
        max(title) as title,
        product_code,
        ref_tag as reftag,
        count(*) as clicks,
        sum(converted) as conversions
    from sessions
    group by product_code, case when product_code is null then title end, ref_tag
)
select * from final
