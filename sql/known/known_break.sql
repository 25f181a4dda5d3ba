-- One row per line that keeps a reference from rolling forward or a disbursement from tying at $interval_end, as known, with the reason and the original event's reference.
with
breaks as materialized (
    select
        billing_event_id,
        original_event_id,
        cast(null as text) as settlement_id,
        transaction_reference_id,
        reason,
        amount,
        currency,
        _instance,
        _file_id,
        _line
    from known_balance_break
    union all
    select
        billing_event_id,
        original_event_id,
        settlement_id,
        transaction_reference_id,
        reason,
        amount,
        currency,
        _instance,
        _file_id,
        _line
    from known_disbursement_break
),
events as (
    select billing_event_id, transaction_reference_id from known_invoice
)
select
    b.billing_event_id,
    b.settlement_id,
    -- R10; a line whose event is not known stands for itself, a disbursement has no reference
    coalesce(e.transaction_reference_id, b.transaction_reference_id) as transaction_reference_id,
    b.reason,
    b.amount,
    b.currency,
    b._instance,
    b._file_id,
    b._line
from breaks as b
left join events as e on b.original_event_id = e.billing_event_id
