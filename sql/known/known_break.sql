-- One row per line that keeps a reference from rolling forward at $interval_end, as known, with the reason.
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
overdrawn as (
    select
        original_event_id,
        currency,
        case
            when invoices = 0 then 'paid or forgiven without an invoiced event'
            else 'more paid or forgiven than invoiced'
        end as reason
    from balances
    where invoices = 0
        or (invoiced >= 0 and open_amount < 0)
        or (invoiced <= 0 and open_amount > 0)
),
overdrawn_lines as (
    select
        m.billing_event_id,
        coalesce(e.transaction_reference_id, m.transaction_reference_id) as transaction_reference_id,
        o.reason,
        m.amount,
        m.currency,
        m._instance,
        m._file_id,
        m._line
    from overdrawn as o
    inner join movements as m
        on o.original_event_id = m.original_event_id and (o.currency is not distinct from m.currency)
    left join known_invoice as e on m.original_event_id = e.billing_event_id
),
disbursement_rows as (
    -- R4: what is known at $known_at
    select *
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and valid_from < $interval_end
),
payouts as (
    select billing_event_id, row_kind, disbursement_id
    from disbursement_rows
    where row_kind <> 'line'
),
paid_lines as (
    select * from disbursement_rows where row_kind = 'line'
),
stray_lines as (
    select
        l.billing_event_id,
        l.transaction_reference_id,
        'paid by a disbursement that is not known' as reason,
        l.amount,
        l.currency,
        l._instance,
        l._file_id,
        l._line
    from paid_lines as l
    where not exists (select 1 from payouts as p where p.billing_event_id = l.disbursement_id)
),
failed_lines as (
    -- the lines of a failed disbursement, and those that the failure turned round
    select
        l.billing_event_id,
        l.transaction_reference_id,
        l.amount,
        l.currency,
        l._instance,
        l._file_id,
        l._line,
        p.disbursement_id as failed_disbursement_id,
        true as is_reversal
    from payouts as p
    inner join paid_lines as l on p.billing_event_id = l.disbursement_id
    where p.row_kind = 'failure'
    union all
    select
        l.billing_event_id,
        l.transaction_reference_id,
        l.amount,
        l.currency,
        l._instance,
        l._file_id,
        l._line,
        p.disbursement_id as failed_disbursement_id,
        false as is_reversal
    from payouts as p
    inner join paid_lines as l on p.disbursement_id = l.disbursement_id
    where p.row_kind = 'failure'
),
uneven as (
    select failed_disbursement_id, transaction_reference_id, currency
    from failed_lines
    group by failed_disbursement_id, transaction_reference_id, currency
    having bool_or(is_reversal) and sum(amount) <> 0
),
uneven_lines as (
    select
        l.billing_event_id,
        l.transaction_reference_id,
        'failed and not turned round in full' as reason,
        l.amount,
        l.currency,
        l._instance,
        l._file_id,
        l._line
    from uneven as u
    inner join failed_lines as l
        on u.failed_disbursement_id = l.failed_disbursement_id
        and (u.transaction_reference_id is not distinct from l.transaction_reference_id)
        and (u.currency is not distinct from l.currency)
),
all_lines as (
    select billing_event_id, transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from overdrawn_lines
    union all
    select billing_event_id, transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from stray_lines
    union all
    select billing_event_id, transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from uneven_lines
)
select
    billing_event_id,
    transaction_reference_id,
    reason,
    amount,
    currency,
    _instance,
    _file_id,
    _line
from all_lines
