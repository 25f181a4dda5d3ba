-- One row per movement of an event that has an amount open at $interval_end, as known, with the event's own date and the reference, payer, address and agreement that apply to it.
with
movements as (
    -- R12: what counts at the end of the interval
    select *
    from known_receivable
    where moved_at < $interval_end and (undone_at is null or undone_at >= $interval_end)
),
open_events as (
    select original_event_id, currency
    from movements
    group by original_event_id, currency
    having sum(amount) <> 0
),
open_movements as (
    select m.*
    from open_events as o
    inner join movements as m
        on o.original_event_id = m.original_event_id and (o.currency is not distinct from m.currency)
),
events as (
    select * from known_invoice
)
select
    m.billing_event_id,
    m.original_event_id,
    m.disbursement_id,
    m.movement,
    -- a movement whose event is not known stands for itself
    coalesce(e.transaction_reference_id, m.transaction_reference_id) as transaction_reference_id,
    coalesce(e.transaction_type, m.transaction_type) as transaction_type,
    coalesce(e.end_user_account_id, m.end_user_account_id) as end_user_account_id,
    e.payer_account_id,
    e.billing_address_id,
    coalesce(e.product_id, m.product_id) as product_id,
    e.offer_id,
    e.agreement_id,
    m.amount,
    m.currency,
    coalesce(e.invoice_date, m.invoice_date) as invoice_date,
    coalesce(e.own_invoice_date, m.invoice_date) as own_invoice_date,
    e.payment_due_date,
    cast(e.payment_due_date as date) as payment_due_on,
    to_char(coalesce(e.invoice_date, m.invoice_date), '%Y-%m') as ar_period,
    m.moved_at,
    m.period_month,
    m._instance,
    m._file_id,
    m._line
from open_movements as m
left join events as e on m.original_event_id = e.billing_event_id
