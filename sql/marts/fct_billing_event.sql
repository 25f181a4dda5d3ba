-- One row per known version of a billing event: what was known of it from known_from until known_to.
with
events as (
    select * from stg_aws_billing_event
),
-- Most events come once; only the others need their versions put in order, and only their keys for that.
repeated as (
    select _instance, billing_event_id
    from events
    group by _instance, billing_event_id
    having count(*) > 1
),
ordered_versions as (
    -- R1, R4: the version written last counts from the moment it was known, whatever its valid_from
    select
        e._file_id,
        e._line,
        e._known_at,
        lead(e._known_at) over (
            partition by e._instance, e.billing_event_id
            order by e._known_at, e._file_id, e._line
        ) as next_known_at
    from repeated as r
    inner join events as e on r._instance = e._instance and r.billing_event_id = e.billing_event_id
),
repeated_versions as (
    select
        _file_id,
        _line,
        next_known_at,
        -- of two equal copies one stays
        coalesce(next_known_at > _known_at, true) as is_last_copy
    from ordered_versions
),
published as (
    -- R2: a version with a delete date ends the one before it and is not published itself
    select
        e.*,
        r.next_known_at
    from events as e
    left join repeated_versions as r on e._file_id = r._file_id and e._line = r._line
    where e.delete_date is null and coalesce(r.is_last_copy, true)
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
    next_known_at as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from published
