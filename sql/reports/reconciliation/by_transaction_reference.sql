-- One row per transaction reference and currency that moved in the month: its roll-forward, and what the month's invoices were made of.
with
movements as (
    select
        *,
        moved_at >= $interval_start as moved_now,
        undone_at >= $interval_start as undone_now
    from known_live_movement
),
amounts as (
    -- R7, R45: exact, not rounded
    select
        transaction_reference_id,
        currency,
        coalesce(sum(amount) filter (where not moved_now and (undone_at is null or undone_now)), 0) as opening,
        coalesce(sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type not like '%REFUND' and transaction_type not like '%CREDIT'), 0) as billed,
        coalesce(-sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type like '%REFUND'), 0) as refunded,
        coalesce(-sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type like '%CREDIT'), 0) as credited,
        coalesce(-sum(amount) filter (where moved_now and movement = 'forgiven'), 0) as forgiven,
        coalesce(-sum(amount) filter (where moved_now and movement = 'disbursed'), 0) as disbursed,
        -- R11: what a failed disbursement had paid is open again
        coalesce(-sum(amount) filter (where undone_now), 0) as failed,
        coalesce(sum(amount) filter (where undone_at is null), 0) as closing,
        coalesce(sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type = 'SELLER_REV_SHARE' and not is_resale_cost), 0) as gross_revenue,
        coalesce(sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type = 'SELLER_REV_SHARE' and is_resale_cost), 0) as cost,
        coalesce(sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type = 'AWS_REV_SHARE'), 0) as aws_listing_fee,
        coalesce(sum(amount) filter (where moved_now and movement = 'invoiced' and transaction_type like '%TAX_SHARE'), 0) as tax
    from movements
    group by transaction_reference_id, currency
    having bool_or(moved_now) or coalesce(bool_or(undone_now), false)
)
select
    transaction_reference_id,
    currency,
    opening,
    billed,
    refunded,
    credited,
    forgiven,
    disbursed,
    failed,
    closing,
    opening + billed - refunded - credited - forgiven - disbursed + failed - closing as difference,
    gross_revenue,
    cost,
    aws_listing_fee,
    tax
from amounts
