-- One row per disbursement made or failed in the month: its bank trace id, and whether its lines come to its amount.
with
disbursements as (
    -- R11, R47: a failure stands here, whenever its disbursement was made
    select *
    from known_disbursement_event
    where (disbursed_at >= $interval_start and disbursed_at < $interval_end)
        or (failed_at >= $interval_start and failed_at < $interval_end)
),
lines as (
    -- R4: what is known at $known_at
    select disbursement_id, bank_trace_id, paid_amount, paid_currency
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and row_kind = 'line'
),
compared as (
    select
        d.disbursement_id,
        l.paid_amount,
        (l.paid_currency is not distinct from d.paid_currency) as same_currency,
        coalesce(l.bank_trace_id, d.bank_trace_id) is not distinct from d.bank_trace_id as same_trace
    from disbursements as d
    inner join lines as l on d.disbursement_id = l.disbursement_id
),
summed as (
    -- R25: in the currency it is paid in; lines carry the opposite sign
    select
        disbursement_id,
        count(*) as lines,
        coalesce(-sum(paid_amount) filter (where same_currency), 0) as line_amount,
        count(*) filter (where not same_currency) as foreign_lines,
        count(*) filter (where not same_trace) as lines_with_other_trace
    from compared
    group by disbursement_id
)
select
    d.disbursement_id as settlement_id,
    d.bank_trace_id,
    d.disbursed_at as deposit_date,
    d.paid_currency as currency,
    d.paid_amount as disbursed_amount,
    coalesce(s.lines, 0) as lines,
    coalesce(s.line_amount, 0) as sum_of_lines,
    d.paid_amount - coalesce(s.line_amount, 0) as difference,
    coalesce(s.foreign_lines, 0) as foreign_lines,
    coalesce(s.lines_with_other_trace, 0) as lines_with_other_bank_trace_id,
    case when d.failed_at < $interval_end then d.failed_at end as failure_date
from disbursements as d
left join summed as s on d.disbursement_id = s.disbursement_id
