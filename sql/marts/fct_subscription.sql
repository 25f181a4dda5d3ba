-- One row per known version of a revision of an agreement and product of its offer: the subscription as it was known from known_from until known_to.
with
agreements as (
    select * from dim_agreement
),
offer_products as (
    select _instance, offer_id, offer_revision, product_id, valid_from, known_from, known_to
    from dim_offer_product
),
-- The instants at which what is known of an offer's products may change.
instants as (
    select distinct _instance, offer_id, arrow_cast('0001-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))') as instant
    from offer_products
    union
    select _instance, offer_id, known_from from offer_products
    union
    select _instance, offer_id, known_to from offer_products where known_to is not null
),
spans as (
    select
        _instance,
        offer_id,
        instant as span_from,
        lead(instant) over (partition by _instance, offer_id order by instant) as span_to
    from instants
),
known_products as (
    select
        s._instance,
        s.offer_id,
        s.span_from,
        p.product_id,
        p.offer_revision,
        max(p.offer_revision) over (partition by s._instance, s.offer_id, s.span_from) as last_revision
    from spans as s
    inner join offer_products as p
        on s._instance = p._instance
        and s.offer_id = p.offer_id
        and p.known_from <= s.span_from
        and (p.known_to is null or p.known_to > s.span_from)
),
latest_products as (
    -- R22: the products of the offer's highest revision
    select distinct _instance, offer_id, span_from, product_id
    from known_products
    where offer_revision = last_revision
),
products_in_time as (
    select s._instance, s.offer_id, s.span_from, s.span_to, p.product_id
    from spans as s
    left join latest_products as p
        on s._instance = p._instance and s.offer_id = p.offer_id and s.span_from = p.span_from
),
subscriptions as (
    select
        a.*,
        p.product_id,
        greatest(a.known_from, p.span_from) as both_known_from,
        least(a.known_to, p.span_to) as both_known_to
    from agreements as a
    left join products_in_time as p
        on a._instance = p._instance
        and a.offer_id = p.offer_id
        and (p.span_to is null or a.known_from < p.span_to)
        and (a.known_to is null or p.span_from < a.known_to)
)
select
    agreement_id,
    product_id,
    offer_id,
    offer_set_id,
    preceding_agreement_id,
    proposer_account_id,
    acceptor_account_id,
    status,
    status_reason_code,
    intent,
    -- R22: without an end it is hourly or monthly
    case when end_time is null then 'hourly_monthly' else 'variable_length' end as subscription_kind,
    license_ids,
    estimated_agreement_value,
    currency_code,
    start_time,
    end_time,
    acceptance_time,
    valid_from,
    both_known_from as known_from,
    both_known_to as known_to,
    cast(date_trunc('month', coalesce(start_time, acceptance_time, valid_from)) as date) as period_month,
    _instance,
    _file_id,
    _line
from subscriptions
