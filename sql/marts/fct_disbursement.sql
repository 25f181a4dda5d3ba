-- One row per known version of a disbursement, of a line it paid, or of its failure.
with
events as (
    select *
    from fct_billing_event
    where transaction_type in ('DISBURSEMENT', 'DISBURSEMENT_FAILURE')
        or (action = 'DISBURSED' and disbursement_billing_event_id is not null)
)
select
    billing_event_id,
    -- the disbursement that the row is, belongs to or takes back
    case transaction_type
        when 'DISBURSEMENT' then billing_event_id
        when 'DISBURSEMENT_FAILURE' then parent_billing_event_id
        else disbursement_billing_event_id
    end as disbursement_id,
    parent_billing_event_id,
    disbursement_billing_event_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    product_id,
    offer_id,
    agreement_id,
    transaction_reference_id,
    buyer_transaction_reference_id,
    invoice_id,
    billing_address_id,
    bank_trace_id,
    disbursement_reference_number,
    broker_id,
    case transaction_type
        when 'DISBURSEMENT' then 'disbursement'
        when 'DISBURSEMENT_FAILURE' then 'failure'
        else 'line'
    end as row_kind,
    transaction_type,
    charge_variant,
    charge_side,
    amount,
    currency,
    -- R25: an event invoiced in two currencies is paid in the second
    case when disbursement_amount is not null and disbursement_currency is not null then disbursement_amount else amount end as paid_amount,
    case when disbursement_amount is not null and disbursement_currency is not null then disbursement_currency else currency end as paid_currency,
    invoice_date,
    payment_due_date,
    usage_period_start_date,
    usage_period_end_date,
    valid_from,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from events
