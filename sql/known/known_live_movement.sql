-- One row per movement of an event that moved in the interval or had an amount open when it began, as known, with the reference that applies to it.
with
movements as (
    select *
    from known_receivable
    where moved_at < $interval_end
),
live_events as (
    select original_event_id, currency
    from movements
    group by original_event_id, currency
    -- R12: open at the start, or moved or undone since
    having coalesce(sum(amount) filter (where moved_at < $interval_start and (undone_at is null or undone_at >= $interval_start)), 0) <> 0
        or max(moved_at) >= $interval_start
        or coalesce(bool_or(undone_at >= $interval_start and undone_at < $interval_end), false)
),
live_movements as (
    select m.*
    from live_events as l
    inner join movements as m
        on l.original_event_id = m.original_event_id and (l.currency is not distinct from m.currency)
),
events as (
    select * from known_invoice
)
select
    m.billing_event_id,
    m.original_event_id,
    m.disbursement_id,
    -- R10; a movement whose event is not known stands for itself
    coalesce(e.transaction_reference_id, m.transaction_reference_id) as transaction_reference_id,
    m.movement,
    coalesce(e.transaction_type, m.transaction_type) as transaction_type,
    coalesce(e.is_resale_cost, false) as is_resale_cost,
    m.amount,
    m.currency,
    m.moved_at,
    case when m.undone_at < $interval_end then m.undone_at end as undone_at,
    m.period_month,
    m._instance,
    m._file_id,
    m._line
from live_movements as m
left join events as e on m.original_event_id = e.billing_event_id
