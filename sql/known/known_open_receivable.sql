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
    -- a movement whose event is not known stands for itself
    select
        m.*,
        e.billing_event_id is null as is_stray,
        coalesce(p.new_id, m.product_id) as new_product_id,
        coalesce(o.new_id, m.offer_id) as new_offer_id,
        coalesce(
            m.transaction_type like 'SELLER_%'
                and (
                    (m.charge_variant = 'RESALE' and m.charge_side = 'BUYING')
                    or (m.charge_variant is null and payer.account_id is not null and payee.account_id is null)
                ),
            false
        ) as is_resale_cost,
        e.transaction_reference_id as event_transaction_reference_id,
        e.transaction_type as event_transaction_type,
        e.end_user_account_id as event_end_user_account_id,
        e.payer_account_id as event_payer_account_id,
        e.billing_address_id as event_billing_address_id,
        e.product_id as event_product_id,
        e.offer_id as event_offer_id,
        e.agreement_id as event_agreement_id,
        e.invoice_date as event_invoice_date,
        e.own_invoice_date,
        e.payment_due_date,
        e.own_payment_due_date
    from open_movements as m
    left join events as e on m.original_event_id = e.billing_event_id
    left join sellers as payer on m.from_account_id = payer.account_id
    left join sellers as payee on m.to_account_id = payee.account_id
    left join old_products as p on m.product_id = p.legacy_id
    left join old_offers as o on m.offer_id = o.legacy_id
)
select
    billing_event_id,
    original_event_id,
    disbursement_id,
    movement,
    case when is_stray then transaction_reference_id else event_transaction_reference_id end as transaction_reference_id,
    case when is_stray then transaction_type else event_transaction_type end as transaction_type,
    case when is_stray then end_user_account_id else event_end_user_account_id end as end_user_account_id,
    -- R9: who pays, on rows that tell it
    case
        when not is_stray then event_payer_account_id
        when transaction_type not like '%AWS%' and transaction_type <> 'BALANCE_ADJUSTMENT' and not is_resale_cost then from_account_id
    end as payer_account_id,
    case
        when not is_stray then event_billing_address_id
        when not is_resale_cost then billing_address_id
    end as billing_address_id,
    case when is_stray then new_product_id else event_product_id end as product_id,
    case when is_stray then new_offer_id else event_offer_id end as offer_id,
    case when is_stray then agreement_id else event_agreement_id end as agreement_id,
    amount,
    currency,
    case when is_stray then invoice_date else event_invoice_date end as invoice_date,
    -- R13: age and past due go by the event's own dates
    case when is_stray then coalesce(invoice_date, moved_at) else own_invoice_date end as own_invoice_date,
    cast(own_payment_due_date as date) as own_payment_due_on,
    payment_due_date,
    cast(payment_due_date as date) as payment_due_on,
    to_char(case when is_stray then invoice_date else event_invoice_date end, '%Y-%m') as ar_period,
    moved_at,
    period_month,
    _instance,
    _file_id,
    _line
from flagged
