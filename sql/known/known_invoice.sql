-- One row per invoiced or forgiven line, as known, with the reference, date, payer, address and agreement that apply to it.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_invoice
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
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
own_lines as (
    select
        billing_event_id,
        reference_event_id,
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
        balance_impacting,
        invoice_date,
        payment_due_date,
        usage_period_start_date,
        usage_period_end_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line,
        coalesce(invoice_date, valid_from) as own_invoice_date,
        payment_due_date as own_payment_due_date,
        from_account_id as payer_from_account_id,
        to_account_id as payer_to_account_id,
        transaction_type as payer_transaction_type,
        charge_variant as payer_charge_variant,
        charge_side as payer_charge_side
    from known
    where reference_event_id = billing_event_id
),
moved_fees as (
    -- R10: reference, date, payer, address and agreement of the buyer's event; a fee whose event is not known yet stays as it is
    select
        k.billing_event_id,
        coalesce(r.reference_event_id, k.billing_event_id) as reference_event_id,
        k.parent_billing_event_id,
        k.from_account_id,
        k.to_account_id,
        coalesce(k.end_user_account_id, r.end_user_account_id) as end_user_account_id,
        coalesce(k.product_id, r.product_id) as product_id,
        coalesce(r.offer_id, k.offer_id) as offer_id,
        coalesce(r.agreement_id, k.agreement_id) as agreement_id,
        coalesce(r.transaction_reference_id, k.transaction_reference_id) as transaction_reference_id,
        k.buyer_transaction_reference_id,
        k.invoice_id,
        k.line_item_id,
        r.billing_address_id,
        k.broker_id,
        k.action,
        k.transaction_type,
        k.charge_variant,
        k.charge_side,
        k.amount,
        k.currency,
        k.balance_impacting,
        coalesce(r.invoice_date, k.invoice_date) as invoice_date,
        coalesce(r.payment_due_date, k.payment_due_date) as payment_due_date,
        k.usage_period_start_date,
        k.usage_period_end_date,
        k.valid_from,
        cast(date_trunc('month', coalesce(r.invoice_date, k.invoice_date, k.valid_from)) as date) as period_month,
        k._instance,
        k._file_id,
        k._line,
        coalesce(k.invoice_date, k.valid_from) as own_invoice_date,
        k.payment_due_date as own_payment_due_date,
        r.from_account_id as payer_from_account_id,
        r.to_account_id as payer_to_account_id,
        r.transaction_type as payer_transaction_type,
        r.charge_variant as payer_charge_variant,
        r.charge_side as payer_charge_side
    from known as k
    left join known_fee_reference as r on k.billing_event_id = r.billing_event_id
    where k.reference_event_id <> k.billing_event_id
),
lines as (
    select
        billing_event_id,
        reference_event_id,
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
        balance_impacting,
        invoice_date,
        payment_due_date,
        usage_period_start_date,
        usage_period_end_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line,
        own_invoice_date,
        own_payment_due_date,
        payer_from_account_id,
        payer_to_account_id,
        payer_transaction_type,
        payer_charge_variant,
        payer_charge_side
    from own_lines
    union all
    select
        billing_event_id,
        reference_event_id,
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
        balance_impacting,
        invoice_date,
        payment_due_date,
        usage_period_start_date,
        usage_period_end_date,
        valid_from,
        period_month,
        _instance,
        _file_id,
        _line,
        own_invoice_date,
        own_payment_due_date,
        payer_from_account_id,
        payer_to_account_id,
        payer_transaction_type,
        payer_charge_variant,
        payer_charge_side
    from moved_fees
),
flagged as (
    -- what a reseller pays the manufacturer: said by the newer columns, else by who pays whom
    select
        l.*,
        p.new_id as new_product_id,
        o.new_id as new_offer_id,
        coalesce(
            l.payer_transaction_type like 'SELLER_%'
                and (
                    (l.payer_charge_variant = 'RESALE' and l.payer_charge_side = 'BUYING')
                    or (l.payer_charge_variant is null and payer.account_id is not null and payee.account_id is null)
                ),
            false
        ) as paid_by_seller
    from lines as l
    left join sellers as payer on l.payer_from_account_id = payer.account_id
    left join sellers as payee on l.payer_to_account_id = payee.account_id
    left join old_products as p on l.product_id = p.legacy_id
    left join old_offers as o on l.offer_id = o.legacy_id
)
select
    billing_event_id,
    reference_event_id,
    parent_billing_event_id,
    from_account_id,
    to_account_id,
    end_user_account_id,
    -- R9: who pays, on rows that tell it
    case
        when payer_transaction_type not like '%AWS%'
            and payer_transaction_type <> 'BALANCE_ADJUSTMENT'
            and not paid_by_seller
            then payer_from_account_id
    end as payer_account_id,
    case when not paid_by_seller then billing_address_id end as billing_address_id,
    coalesce(new_product_id, product_id) as product_id,
    coalesce(new_offer_id, offer_id) as offer_id,
    agreement_id,
    transaction_reference_id,
    buyer_transaction_reference_id,
    invoice_id,
    line_item_id,
    broker_id,
    action,
    transaction_type,
    charge_variant,
    charge_side,
    paid_by_seller and transaction_type like 'SELLER_%' as is_resale_cost,
    amount,
    currency,
    balance_impacting,
    invoice_date,
    own_invoice_date,
    payment_due_date,
    own_payment_due_date,
    usage_period_start_date,
    usage_period_end_date,
    valid_from,
    period_month,
    _instance,
    _file_id,
    _line
from flagged
