-- One row per movement of an event that has an amount open at $interval_end, as known, with the event's own date and the reference, payer, address and agreement that apply to it.
with
movements as (
    -- R12: what counts at the end of the interval
    select *
    from known_receivable
    where moved_at < $interval_end and (undone_at is null or undone_at >= $interval_end)
),
open_events as (
    select original_event_id, currency
    from movements
    group by original_event_id, currency
    having sum(amount) <> 0
),
open_movements as (
    select m.*
    from open_events as o
    inner join movements as m
        on o.original_event_id = m.original_event_id and (o.currency is not distinct from m.currency)
),
events as (
    select * from known_invoice
),
matched as (
    select
        m.billing_event_id,
        m.original_event_id,
        m.disbursement_id,
        m.movement,
        e.transaction_reference_id,
        e.transaction_type,
        e.end_user_account_id,
        e.payer_account_id,
        e.billing_address_id,
        e.product_id,
        e.offer_id,
        e.agreement_id,
        m.amount,
        m.currency,
        e.invoice_date,
        -- R13: age and past due go by the event's own dates
        e.own_invoice_date,
        e.own_payment_due_date,
        e.payment_due_date,
        m.moved_at,
        m.period_month,
        m._instance,
        m._file_id,
        m._line
    from open_movements as m
    inner join events as e on m.original_event_id = e.billing_event_id
),
known_ids as (
    -- R4: what is known at $known_at
    select billing_event_id
    from fct_invoice
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
strays as (
    -- a movement whose event is not known stands for itself
    select m.*
    from movements as m
    where not exists (select 1 from known_ids as k where k.billing_event_id = m.original_event_id)
),
open_stray_events as (
    select original_event_id, currency
    from strays
    group by original_event_id, currency
    having sum(amount) <> 0
),
sellers as (
    select account_id from known_seller_account
),
old_products as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'PRODUCT'
),
old_offers as (
    select legacy_id, new_id from known_legacy_id where mapping_type = 'OFFER'
),
flagged as (
    select
        s.*,
        coalesce(p.new_id, s.product_id) as new_product_id,
        coalesce(f.new_id, s.offer_id) as new_offer_id,
        coalesce(
            s.transaction_type like 'SELLER_%'
                and (
                    (s.charge_variant = 'RESALE' and s.charge_side = 'BUYING')
                    or (s.charge_variant is null and payer.account_id is not null and payee.account_id is null)
                ),
            false
        ) as is_resale_cost
    from open_stray_events as o
    inner join strays as s
        on o.original_event_id = s.original_event_id and (o.currency is not distinct from s.currency)
    left join sellers as payer on s.from_account_id = payer.account_id
    left join sellers as payee on s.to_account_id = payee.account_id
    left join old_products as p on s.product_id = p.legacy_id
    left join old_offers as f on s.offer_id = f.legacy_id
),
open_strays as (
    select
        billing_event_id,
        original_event_id,
        disbursement_id,
        movement,
        transaction_reference_id,
        transaction_type,
        end_user_account_id,
        -- R9: who pays, on rows that tell it
        case
            when transaction_type not like '%AWS%' and transaction_type <> 'BALANCE_ADJUSTMENT' and not is_resale_cost then from_account_id
        end as payer_account_id,
        case when not is_resale_cost then billing_address_id end as billing_address_id,
        new_product_id as product_id,
        new_offer_id as offer_id,
        agreement_id,
        amount,
        currency,
        invoice_date,
        coalesce(invoice_date, moved_at) as own_invoice_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as own_payment_due_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as payment_due_date,
        moved_at,
        period_month,
        _instance,
        _file_id,
        _line
    from flagged
),
all_movements as (
    select
        billing_event_id, original_event_id, disbursement_id, movement, transaction_reference_id, transaction_type, end_user_account_id,
        payer_account_id, billing_address_id, product_id, offer_id, agreement_id, amount, currency, invoice_date, own_invoice_date,
        own_payment_due_date, payment_due_date, moved_at, period_month, _instance, _file_id, _line
    from matched
    union all
    select
        billing_event_id, original_event_id, disbursement_id, movement, transaction_reference_id, transaction_type, end_user_account_id,
        payer_account_id, billing_address_id, product_id, offer_id, agreement_id, amount, currency, invoice_date, own_invoice_date,
        own_payment_due_date, payment_due_date, moved_at, period_month, _instance, _file_id, _line
    from open_strays
)
select
    billing_event_id,
    original_event_id,
    disbursement_id,
    movement,
    transaction_reference_id,
    transaction_type,
    end_user_account_id,
    payer_account_id,
    billing_address_id,
    product_id,
    offer_id,
    agreement_id,
    amount,
    currency,
    invoice_date,
    own_invoice_date,
    cast(own_payment_due_date as date) as own_payment_due_on,
    payment_due_date,
    cast(payment_due_date as date) as payment_due_on,
    to_char(invoice_date, '%Y-%m') as ar_period,
    moved_at,
    period_month,
    _instance,
    _file_id,
    _line
from all_movements
