-- One row per line that a disbursement of the interval paid, as known, with its disbursement and the reference, payer, address and agreement that apply to it.
with
known as (
    -- R4: what is known at $known_at
    select *
    from fct_disbursement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
disbursements as (
    select billing_event_id as disbursement_id, invoice_date as disbursed_at, bank_trace_id
    from known
    where row_kind = 'disbursement'
        and invoice_date >= $interval_start
        and invoice_date < $interval_end
),
paid_lines as (
    select
        l.*,
        d.disbursed_at,
        coalesce(d.bank_trace_id, l.bank_trace_id) as disbursement_bank_trace_id
    from disbursements as d
    inner join known as l on d.disbursement_id = l.disbursement_id
    where l.row_kind = 'line'
),
originals as (
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
with_originals as (
    select
        l.*,
        o.billing_event_id as original_event_id,
        o.transaction_reference_id as original_transaction_reference_id,
        o.payer_account_id as original_payer_account_id,
        o.billing_address_id as original_billing_address_id,
        o.end_user_account_id as original_end_user_account_id,
        o.product_id as original_product_id,
        o.offer_id as original_offer_id,
        o.agreement_id as original_agreement_id,
        -- R13: the age of a fee counts from its own invoice, wherever it is shown
        o.own_invoice_date as original_invoice_date,
        o.payment_due_date as original_payment_due_date,
        o.usage_period_start_date as original_usage_period_start_date,
        o.usage_period_end_date as original_usage_period_end_date,
        -- R10: listing fees of brokers other than AWS_INC go with the buyer's event
        $listing_fee_reference = 'buyer'
            and l.broker_id <> 'AWS_INC'
            and l.transaction_type like 'AWS_REV_SHARE%'
            and o.billing_event_id is not null as is_moved
    from paid_lines as l
    left join originals as o on l.parent_billing_event_id = o.billing_event_id
),
flagged as (
    select
        l.*,
        p.new_id as new_product_id,
        f.new_id as new_offer_id,
        coalesce(
            l.transaction_type like 'SELLER_%'
                and (
                    (l.charge_variant = 'RESALE' and l.charge_side = 'BUYING')
                    or (l.charge_variant is null and payer.account_id is not null and payee.account_id is null)
                ),
            false
        ) as is_resale_cost
    from with_originals as l
    left join sellers as payer on l.from_account_id = payer.account_id
    left join sellers as payee on l.to_account_id = payee.account_id
    left join old_products as p on l.product_id = p.legacy_id
    left join old_offers as f on l.offer_id = f.legacy_id
)
select
    billing_event_id,
    disbursement_id,
    original_event_id,
    case when is_moved then original_transaction_reference_id else transaction_reference_id end as transaction_reference_id,
    from_account_id,
    to_account_id,
    coalesce(end_user_account_id, original_end_user_account_id) as end_user_account_id,
    -- R9: who pays, on rows that tell it
    case
        when is_moved then original_payer_account_id
        when transaction_type not like '%AWS%' and transaction_type <> 'BALANCE_ADJUSTMENT' and not is_resale_cost then from_account_id
    end as payer_account_id,
    case
        when is_moved then original_billing_address_id
        when not is_resale_cost then billing_address_id
    end as billing_address_id,
    coalesce(new_product_id, product_id, original_product_id) as product_id,
    case when is_moved then original_offer_id else coalesce(new_offer_id, offer_id, original_offer_id) end as offer_id,
    case when is_moved then original_agreement_id else coalesce(agreement_id, original_agreement_id) end as agreement_id,
    disbursement_bank_trace_id as bank_trace_id,
    broker_id,
    transaction_type,
    is_resale_cost,
    amount,
    currency,
    paid_amount,
    paid_currency,
    disbursed_at,
    coalesce(original_invoice_date, invoice_date, valid_from) as invoice_date,
    coalesce(original_payment_due_date, payment_due_date) as payment_due_date,
    coalesce(original_usage_period_start_date, usage_period_start_date) as usage_period_start_date,
    coalesce(original_usage_period_end_date, usage_period_end_date) as usage_period_end_date,
    valid_from,
    period_month,
    _instance,
    _file_id,
    _line
from flagged
