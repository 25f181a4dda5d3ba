-- One row per line of a disbursement that does not tie at $interval_end, as known, with the reason: its own row, its failure's, or one that it paid.
with
known as (
    -- R4: what is known at $known_at
    select
        billing_event_id,
        coalesce(parent_billing_event_id, billing_event_id) as original_event_id,
        disbursement_id,
        transaction_reference_id,
        bank_trace_id,
        row_kind,
        -- R25: in the currency it is paid in; lines carry the opposite sign
        paid_amount as amount,
        paid_currency as currency,
        valid_from < $interval_end as is_due,
        _instance,
        _file_id,
        _line
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
payouts as (
    select * from known where row_kind = 'disbursement'
),
due_payouts as (
    select * from payouts where is_due
),
failures as materialized (
    select * from known where row_kind = 'failure' and is_due
),
lines as (
    select * from known where row_kind = 'line'
),
known_ids as (
    select billing_event_id from known where row_kind <> 'line'
),
-- R46: paid by nothing that is known
stray as (
    select l.*, l.disbursement_id as settlement_id, 'paid by a disbursement that is not known' as reason
    from lines as l
    where l.is_due
        and not exists (select 1 from known_ids as k where k.billing_event_id = l.disbursement_id)
),
-- R46: a disbursement is what its lines come to, in every currency
due_lines as (
    select l.*
    from due_payouts as p
    inner join lines as l on p.billing_event_id = l.disbursement_id
),
parts as (
    select * from due_payouts
    union all
    select * from due_lines
),
unequal as materialized (
    select disbursement_id, currency
    from parts
    group by disbursement_id, currency
    having sum(amount) <> 0
),
unequal_parts as (
    select p.*, p.disbursement_id as settlement_id, 'disbursement differs from the sum of its lines' as reason
    from unequal as u
    inner join parts as p on u.disbursement_id = p.disbursement_id and (u.currency is not distinct from p.currency)
),
-- R46: the bank's id ties it to the statement
untraced as (
    select p.*, p.disbursement_id as settlement_id, 'disbursement without a bank trace id' as reason
    from due_payouts as p
    where p.bank_trace_id is null
),
other_traces as (
    select l.*, l.disbursement_id as settlement_id, 'paid under another bank trace id than its disbursement' as reason
    from due_payouts as p
    inner join lines as l on p.billing_event_id = l.disbursement_id
    where p.bank_trace_id <> l.bank_trace_id
),
-- R46: a failure takes back what was paid
lost_failures as (
    select f.*, f.disbursement_id as settlement_id, 'failure of a disbursement that is not known' as reason
    from failures as f
    where not exists (select 1 from payouts as p where p.billing_event_id = f.disbursement_id)
),
failed_payouts as materialized (
    select p.*
    from payouts as p
    where exists (select 1 from failures as f where f.disbursement_id = p.billing_event_id)
),
both_ways as (
    select * from failed_payouts
    union all
    select f.*
    from failures as f
    inner join failed_payouts as p on f.disbursement_id = p.billing_event_id
),
partial_failures as materialized (
    select disbursement_id, currency
    from both_ways
    group by disbursement_id, currency
    having sum(amount) <> 0
),
partial_failure_rows as (
    select b.*, b.disbursement_id as settlement_id, 'failure differs from its disbursement' as reason
    from partial_failures as u
    inner join both_ways as b on u.disbursement_id = b.disbursement_id and (u.currency is not distinct from b.currency)
),
-- R46: where a failure lists the lines it turns round, it lists all of them
reversals as (
    select l.*, f.disbursement_id as settlement_id
    from failures as f
    inner join lines as l on f.billing_event_id = l.disbursement_id
),
listed as (
    select distinct settlement_id from reversals
),
turned_lines as (
    select * from reversals
    union all
    select l.*, l.disbursement_id as settlement_id
    from listed as d
    inner join lines as l on d.settlement_id = l.disbursement_id
),
events as (
    select billing_event_id, transaction_reference_id from known_invoice
),
turned_by_id as materialized (
    select t.*
    from failed_payouts as p
    inner join turned_lines as t on p.billing_event_id = t.settlement_id
),
turned as materialized (
    -- R10: the reference is the original event's
    select t.*, coalesce(e.transaction_reference_id, t.transaction_reference_id) as turned_reference_id
    from turned_by_id as t
    left join events as e on t.original_event_id = e.billing_event_id
),
uneven as (
    select settlement_id, turned_reference_id, currency
    from turned
    group by settlement_id, turned_reference_id, currency
    having sum(amount) <> 0
),
uneven_lines as (
    select t.*, 'failed and not turned round in full' as reason
    from uneven as u
    inner join turned as t
        on u.settlement_id = t.settlement_id
        and (u.turned_reference_id is not distinct from t.turned_reference_id)
        and (u.currency is not distinct from t.currency)
),
all_rows as (
    select billing_event_id, original_event_id, settlement_id, transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from stray
    union all
    select billing_event_id, null as original_event_id, settlement_id, null as transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from unequal_parts
    union all
    select billing_event_id, null as original_event_id, settlement_id, null as transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from untraced
    union all
    select billing_event_id, original_event_id, settlement_id, transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from other_traces
    union all
    select billing_event_id, null as original_event_id, settlement_id, null as transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from lost_failures
    union all
    select billing_event_id, null as original_event_id, settlement_id, null as transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from partial_failure_rows
    union all
    select billing_event_id, original_event_id, settlement_id, turned_reference_id as transaction_reference_id, reason, amount, currency, _instance, _file_id, _line
    from uneven_lines
)
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
from all_rows
