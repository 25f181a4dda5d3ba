-- One row per invoiced or forgiven listing fee that goes with another event: that event's reference, date, payer, address and agreement, as known (R10).
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_invoice
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
fees as (
    select billing_event_id, reference_event_id
    from known
    where reference_event_id <> billing_event_id
),
-- A forgiven or refunded fee hangs on the fee, which hangs on the buyer's event: climb until there.
buyer_event_ids as (
    select
        f.billing_event_id,
        coalesce(third.reference_event_id, second.reference_event_id, f.reference_event_id) as reference_event_id
    from fees as f
    left join fees as second on f.reference_event_id = second.billing_event_id
    left join fees as third on second.reference_event_id = third.billing_event_id
),
buyer_events as (
    select *
    from known
    where reference_event_id = billing_event_id
)
select
    i.billing_event_id,
    i.reference_event_id,
    b.transaction_reference_id,
    b.invoice_date,
    b.payment_due_date,
    b.from_account_id,
    b.to_account_id,
    b.end_user_account_id,
    b.product_id,
    b.offer_id,
    b.agreement_id,
    b.billing_address_id,
    b.transaction_type,
    b.charge_variant,
    b.charge_side
from buyer_event_ids as i
inner join buyer_events as b on i.reference_event_id = b.billing_event_id
