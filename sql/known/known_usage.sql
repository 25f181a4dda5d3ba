-- One row per usage line: its newest revision, as known at $known_at.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_usage
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
revised as (
    -- lines of one revision need no ranking, so that filters reach them directly
    select *, row_number() over (partition by usage_feed_id order by valid_from desc nulls last) as nth
    from known
    where has_revisions
),
newest as (
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
        usage_hours,
        pricing_currency,
        usage_rate_per_unit_in_pricing_currency,
        estimated_revenue_in_pricing_currency,
        usage_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line
    from revised
    where nth = 1
    union all
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
        usage_hours,
        pricing_currency,
        usage_rate_per_unit_in_pricing_currency,
        estimated_revenue_in_pricing_currency,
        usage_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line
    from known
    where not has_revisions
),
old_products as (
    -- facts may still name a product or an offer by its old id
    select legacy_id, new_id from known_legacy_id where mapping_type = 'PRODUCT'
),
old_offers as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'OFFER'
)
select
    usage_feed_id,
    coalesce(p.new_id, product_id) as product_id,
    agreement_id,
    coalesce(o.new_id, offer_id) as offer_id,
    end_user_account_id,
    payer_account_id,
    recipient_account_id,
    region,
    dimension_key,
    usage_unit,
    charge_item_description,
    -- term, region and dimension; without the term where the feed leaves the text out
    coalesce(charge_item_description, concat_ws(' | ', region, dimension_key)) as usage_type_description,
    usage_quantity,
    usage_hours,
    pricing_currency,
    usage_rate_per_unit_in_pricing_currency,
    estimated_revenue_in_pricing_currency,
    usage_date,
    valid_from,
    period_month,
    newest._instance,
    newest._file_id,
    newest._line
from newest
left join old_products as p
    on newest.product_id = p.legacy_id
left join old_offers as o
    on newest.offer_id = o.legacy_id
