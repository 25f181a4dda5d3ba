-- One row per known version of an invoiced or forgiven line, with the event whose reference, date, payer, address and agreement apply to it.
with
events as (
    select *
    from fct_billing_event
    where action in ('INVOICED', 'FORGIVEN')
)
select
    billing_event_id,
    -- R10: listing fees of brokers other than AWS_INC stand on an invoice of their own and go with the buyer's
    case
        when $listing_fee_reference = 'buyer'
            and broker_id <> 'AWS_INC'
            and transaction_type like 'AWS_REV_SHARE%'
            and parent_billing_event_id is not null
            then parent_billing_event_id
        else billing_event_id
    end as reference_event_id,
    parent_billing_event_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    product_id,
    offer_id,
    agreement_id,
    transaction_reference_id,
    buyer_transaction_reference_id,
    invoice_id,
    line_item_id,
    billing_address_id,
    broker_id,
    action,
    transaction_type,
    charge_variant,
    charge_side,
    amount,
    currency,
    -- R25: invoiced in two currencies
    disbursement_amount is not null and disbursement_currency is not null as is_dual_invoiced,
    balance_impacting,
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
