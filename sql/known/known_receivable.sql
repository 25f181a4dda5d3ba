-- One row per movement of the amount open on a billing event, as known; it counts from moved_at until undone_at.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_receivable
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
disbursements as (
    select disbursement_id, failed_at from known_disbursement_event
),
movements as (
    select k.*, arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as undone_at
    from known as k
    where k.movement <> 'disbursed'
    union all
    -- R12: paid by a disbursement, until it fails; rows that hang on the failure are not counted again
    select k.*, d.failed_at as undone_at
    from disbursements as d
    inner join known as k on d.disbursement_id = k.disbursement_id
    where k.movement = 'disbursed'
)
select
    billing_event_id,
    original_event_id,
    disbursement_id,
    end_user_account_id,
    product_id,
    transaction_reference_id,
    movement,
    transaction_type,
    amount,
    currency,
    invoice_date,
    moved_at,
    undone_at,
    period_month,
    _instance,
    _file_id,
    _line
from movements
