-- One row per known version of a movement of the amount open on an original billing event: what it was invoiced, forgiven and paid.
with
events as (
    select *
    from fct_billing_event
    -- R12: collecting does not close an amount, and the disbursement itself is not a movement of an event
    where transaction_type not in ('DISBURSEMENT', 'DISBURSEMENT_FAILURE')
        and (
            (action = 'INVOICED' and balance_impacting = 1)
            -- taxes that AWS owes were never open, so forgiving them moves nothing
            or (action = 'FORGIVEN' and (balance_impacting = 1 or transaction_type not like 'AWS_TAX_SHARE%'))
            or (action = 'DISBURSED' and disbursement_billing_event_id is not null)
        )
)
select
    billing_event_id,
    -- R12: a movement belongs to the event it hangs on
    case action
        when 'INVOICED' then billing_event_id
        else coalesce(parent_billing_event_id, billing_event_id)
    end as original_event_id,
    disbursement_billing_event_id as disbursement_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    product_id,
    offer_id,
    agreement_id,
    billing_address_id,
    transaction_reference_id,
    lower(action) as movement,
    transaction_type,
    charge_variant,
    charge_side,
    amount,
    currency,
    disbursement_amount,
    disbursement_currency,
    invoice_date,
    -- R12: each counts from its valid_from
    valid_from as moved_at,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from events
