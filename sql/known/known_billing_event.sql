-- One row per billing event, as known.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_billing_event
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
)
select
    billing_event_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    recipient_account_id,
    product_id,
    offer_id,
    agreement_id,
    parent_billing_event_id,
    disbursement_billing_event_id,
    transaction_reference_id,
    buyer_transaction_reference_id,
    invoice_id,
    line_item_id,
    buyer_invoice_id,
    buyer_line_item_id,
    billing_address_id,
    bank_trace_id,
    disbursement_reference_number,
    broker_id,
    catalog,
    action,
    transaction_type,
    charge_variant,
    charge_side,
    invoice_variant,
    amount,
    currency,
    disbursement_amount,
    disbursement_currency,
    balance_impacting,
    invoice_date,
    buyer_invoice_date,
    payment_due_date,
    usage_period_start_date,
    usage_period_end_date,
    action_date,
    valid_from,
    period_month,
    _instance,
    _file_id,
    _line
from known
