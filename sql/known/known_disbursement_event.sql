-- One row per disbursement, as known, with the one before it in its currency and the time it failed.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
failures as (
    -- R11, R12
    select disbursement_id, min(valid_from) as failed_at, min(billing_event_id) as failure_event_id
    from known
    where row_kind = 'failure' and disbursement_id is not null
    group by disbursement_id
),
disbursements as (
    select * from known where row_kind = 'disbursement'
),
dates as (
    -- R20: the period starts with the previous disbursement in that currency
    select
        paid_currency,
        invoice_date,
        lag(invoice_date) over (partition by paid_currency order by invoice_date) as previous_invoice_date
    from (select distinct paid_currency, invoice_date from disbursements) as distinct_dates
)
select
    d.disbursement_id,
    d.bank_trace_id,
    d.disbursement_reference_number,
    f.failure_event_id,
    d.paid_amount,
    d.paid_currency,
    d.invoice_date as disbursed_at,
    p.previous_invoice_date as previous_disbursed_at,
    f.failed_at,
    d.valid_from,
    d.period_month,
    d._instance,
    d._file_id,
    d._line
from disbursements as d
left join dates as p
    on (d.paid_currency is not distinct from p.paid_currency) and d.invoice_date = p.invoice_date
left join failures as f on d.disbursement_id = f.disbursement_id
