-- One row per invoiced or forgiven line of the interval's invoices, as known, with its agreement's offer as of the invoice date.
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
    select agreement_id, offer_id, revision_from, revision_to
    from known_agreement
),
agreed as (
    select agreement_id, end_time is not null as has_end
    from known_agreement
    where is_first
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
    -- R17: an agreement made with an end is a subscription of variable length
    coalesce(f.has_end, false) as has_end,
    l.amount,
    l.currency,
    l.balance_impacting,
    l.invoice_date,
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
left join agreed as f on l.agreement_id = f.agreement_id
