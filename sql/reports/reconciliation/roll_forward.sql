-- One row per month and currency, up to the covered month: what was open, what moved it, and what is open.
with
movements as (
    select * from known_receivable where moved_at < $interval_end
),
flows as (
    -- R45
    select
        cast(date_trunc('month', moved_at) as date) as month_start,
        currency,
        coalesce(sum(amount) filter (where movement = 'invoiced' and transaction_type not like '%REFUND' and transaction_type not like '%CREDIT'), 0) as billed,
        coalesce(-sum(amount) filter (where movement = 'invoiced' and transaction_type like '%REFUND'), 0) as refunded,
        coalesce(-sum(amount) filter (where movement = 'invoiced' and transaction_type like '%CREDIT'), 0) as credited,
        coalesce(-sum(amount) filter (where movement = 'forgiven'), 0) as forgiven,
        coalesce(-sum(amount) filter (where movement = 'disbursed'), 0) as disbursed,
        coalesce(sum(amount) filter (where movement = 'invoiced' and transaction_type like '%TAX_SHARE'), 0) as tax
    from movements
    group by cast(date_trunc('month', moved_at) as date), currency
),
failures as (
    -- R11: what a failed disbursement had paid is open again
    select
        cast(date_trunc('month', undone_at) as date) as month_start,
        currency,
        -sum(amount) as failed
    from movements
    where undone_at < $interval_end
    group by cast(date_trunc('month', undone_at) as date), currency
),
flows_and_failures as (
    select month_start, currency, billed, refunded, credited, forgiven, disbursed, cast(0 as decimal(38, 10)) as failed, tax
    from flows
    union all
    select
        month_start,
        currency,
        cast(0 as decimal(38, 10)) as billed,
        cast(0 as decimal(38, 10)) as refunded,
        cast(0 as decimal(38, 10)) as credited,
        cast(0 as decimal(38, 10)) as forgiven,
        cast(0 as decimal(38, 10)) as disbursed,
        failed,
        cast(0 as decimal(38, 10)) as tax
    from failures
),
months as (
    select
        month_start,
        currency,
        sum(billed) as billed,
        sum(refunded) as refunded,
        sum(credited) as credited,
        sum(forgiven) as forgiven,
        sum(disbursed) as disbursed,
        sum(failed) as failed,
        sum(tax) as tax
    from flows_and_failures
    group by month_start, currency
),
rolled as (
    select
        *,
        sum(billed - refunded - credited - forgiven - disbursed + failed) over (
            partition by currency order by month_start rows between unbounded preceding and current row
        ) as closing
    from months
)
select
    to_char(month_start, '%Y-%m') as month,
    currency,
    closing - (billed - refunded - credited - forgiven - disbursed + failed) as opening,
    billed,
    refunded,
    credited,
    forgiven,
    disbursed,
    failed,
    closing,
    tax
from rolled
