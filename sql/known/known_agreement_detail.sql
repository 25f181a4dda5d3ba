-- One row per agreement and product of the agreement details report, as known at $known_at, with the product that its offer is for.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_agreement_detail
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
products as (
    -- R5: titles and codes are the latest
    select o.offer_id, o.product_id, p.product_code, p.title
    from known_offer_product as o
    left join known_product as p
        on o.product_id = p.product_id and p.is_latest
),
candidates as (
    -- the report names the product by title only: of an offer's products, the one with that title
    select
        k.*,
        p.product_id,
        p.product_code,
        coalesce(p.title, k.product_title) as latest_title,
        row_number() over (
            partition by k.agreement_id, k.product_title
            order by
                k.agreement_acceptance_date desc,
                k.agreement_start_date desc,
                k.agreement_end_date desc nulls first,
                k._file_id,
                k._line,
                case when p.title = k.product_title then 0 else 1 end,
                p.product_id
        ) as nth
    from known as k
    left join products as p
        on k.offer_id = p.offer_id
)
select
    agreement_id,
    product_id,
    product_code,
    offer_id,
    customer_id,
    subscriber_aws_account_id,
    latest_title as product_title,
    is_free_trial_offer,
    agreement_acceptance_date,
    agreement_start_date,
    agreement_end_date,
    period_month,
    _instance,
    _file_id,
    _line
from candidates
where nth = 1
