-- One row per known version of a billing event: what was known of it from known_from until known_to.
with
events as (
    select * from stg_aws_billing_event
),
versions as (
    select * from int_billing_event_version
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select
        e.*,
        v.known_to
    from events as e
    left join versions as v
        on e.period_month = v.period_month and e._file_id = v._file_id and e._line = v._line
    where e.delete_date is null and coalesce(v.is_last_copy, true)
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
    _known_at as known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from published
