-- One row per movement of an event that is overdrawn at $interval_end, as known, with the reason.
with
movements as (
    -- R12: what counts at the end of the interval
    select *
    from known_receivable
    where moved_at < $interval_end and (undone_at is null or undone_at >= $interval_end)
),
balances as (
    select
        original_event_id,
        currency,
        count(*) filter (where movement = 'invoiced') as invoices,
        coalesce(sum(amount) filter (where movement = 'invoiced'), 0) as invoiced,
        sum(amount) as open_amount
    from movements
    group by original_event_id, currency
),
overdrawn as materialized (
    select original_event_id, currency, invoices
    from balances
    where (invoiced >= 0 and open_amount < 0) or (invoiced <= 0 and open_amount > 0)
),
invoices as (
    select billing_event_id from movements where movement = 'invoiced'
),
explained as (
    -- R46
    select
        o.original_event_id,
        o.currency,
        case
            when o.invoices > 0 then 'more paid or forgiven than invoiced'
            when i.billing_event_id is not null then 'paid or forgiven in another currency than invoiced'
            else 'paid or forgiven without an invoiced event'
        end as reason
    from overdrawn as o
    left join invoices as i on o.original_event_id = i.billing_event_id
)
select
    m.billing_event_id,
    m.original_event_id,
    m.transaction_reference_id,
    x.reason,
    m.amount,
    m.currency,
    m._instance,
    m._file_id,
    m._line
from explained as x
inner join movements as m
    on x.original_event_id = m.original_event_id and (x.currency is not distinct from m.currency)
