-- One row per movement of the amount open on a billing event, as known, in the currency that the event is settled in; it counts from moved_at until undone_at.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_receivable
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
dual_invoices as materialized (
    -- R25: the original event decides for all of its movements
    select billing_event_id
    from fct_invoice
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
        and action = 'INVOICED'
        and is_dual_invoiced
),
disbursements as (
    select disbursement_id, failed_at from known_disbursement_event
),
counted as (
    -- R12: paid by a disbursement, until it fails; rows that hang on the failure are not counted again
    select
        k.*,
        d.failed_at as undone_at,
        i.billing_event_id is not null and k.disbursement_amount is not null and k.disbursement_currency is not null as in_second_currency
    from known as k
    left join disbursements as d on k.disbursement_id = d.disbursement_id
    left join dual_invoices as i on k.original_event_id = i.billing_event_id
    where k.movement <> 'disbursed' or d.disbursement_id is not null
)
select
    billing_event_id,
    original_event_id,
    disbursement_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    product_id,
    offer_id,
    agreement_id,
    billing_address_id,
    transaction_reference_id,
    movement,
    transaction_type,
    charge_variant,
    charge_side,
    -- R25
    case when in_second_currency then disbursement_amount else amount end as amount,
    case when in_second_currency then disbursement_currency else currency end as currency,
    invoice_date,
    moved_at,
    -- R11; a line that counts only after its disbursement failed is undone at once
    case
        when movement = 'disbursed' and undone_at < moved_at then moved_at
        when movement = 'disbursed' then undone_at
    end as undone_at,
    period_month,
    _instance,
    _file_id,
    _line
from counted
