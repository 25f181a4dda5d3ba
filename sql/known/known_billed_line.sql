-- One row per invoiced or forgiven line of the interval's invoices, as known, with its agreement as of the invoice date.
with
lines as (
    -- R16: both carry the original date
    select *
    from known_invoice
    where invoice_date >= $interval_start
        and invoice_date < $interval_end
        and period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
),
agreements as (
    select agreement_id, offer_id, start_time, end_time, revision_from, revision_to
    from known_agreement
)
select
    l.billing_event_id,
    l.reference_event_id,
    l.end_user_account_id,
    l.payer_account_id,
    l.billing_address_id,
    l.product_id,
    coalesce(l.offer_id, a.offer_id) as offer_id,
    l.agreement_id,
    l.transaction_reference_id,
    l.action,
    l.transaction_type,
    l.is_resale_cost,
    -- R17: an agreement with an end is a subscription of variable length
    a.end_time is not null as has_end,
    l.amount,
    l.currency,
    l.balance_impacting,
    l.invoice_date,
    a.start_time,
    a.end_time,
    to_char(l.invoice_date, '%Y-%m') as ar_period,
    l._instance,
    l._file_id,
    l._line
from lines as l
-- R3, R5
left join agreements as a
    on l.agreement_id = a.agreement_id
    and l.invoice_date >= a.revision_from
    and (a.revision_to is null or l.invoice_date < a.revision_to)
