-- One row per agreement, revision and product, as known at $known_at; a revision holds from revision_from until revision_to.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_subscription
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
revisions as (
    select
        agreement_id,
        valid_from,
        lag(valid_from) over (partition by agreement_id order by valid_from) as previous_valid_from,
        lead(valid_from) over (partition by agreement_id order by valid_from) as revision_to
    from (select distinct agreement_id, valid_from from known) as distinct_revisions
),
old_products as (
    -- facts may still name a product or an offer by its old id
    select legacy_id, new_id from known_legacy_id where mapping_type = 'PRODUCT'
),
old_offers as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'OFFER'
)
select
    k.agreement_id,
    coalesce(p.new_id, k.product_id) as product_id,
    coalesce(o.new_id, k.offer_id) as offer_id,
    k.offer_set_id,
    k.preceding_agreement_id,
    k.proposer_account_id,
    k.acceptor_account_id,
    k.status,
    k.status_reason_code,
    k.intent,
    k.subscription_kind,
    k.license_ids,
    k.estimated_agreement_value,
    k.currency_code,
    k.start_time,
    k.end_time,
    k.acceptance_time,
    k.valid_from,
    -- R3: the first revision reaches back without limit
    case
        when r.previous_valid_from is null then arrow_cast('0001-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
        else k.valid_from
    end as revision_from,
    r.revision_to,
    r.revision_to is null as is_latest,
    k._instance,
    k._file_id,
    k._line
from known as k
inner join revisions as r
    on k.agreement_id = r.agreement_id and k.valid_from = r.valid_from
left join old_products as p
    on k.product_id = p.legacy_id
left join old_offers as o
    on k.offer_id = o.legacy_id
