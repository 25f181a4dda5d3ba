-- One row per known version of a line that a disbursement of AWS Marketplace paid, and one that takes it back where the disbursement failed.
with
events as (
    select * from fct_disbursement
),
disbursements as (
    select _instance, disbursement_id, invoice_date as paid_at, known_from, known_to from events where row_kind = 'disbursement'
),
failures as (
    -- R12: a failure takes back all that its disbursement paid
    select
        _instance,
        disbursement_id,
        min(valid_from) as paid_at,
        min(known_from) as known_from,
        case when count(*) = count(known_to) then max(known_to) end as known_to
    from events
    where row_kind = 'failure' and disbursement_id is not null
    group by _instance, disbursement_id
),
payments as (
    select 'disbursed' as status, cast(-1 as decimal(1, 0)) as sign, * from disbursements
    union all
    select 'failed' as status, cast(1 as decimal(1, 0)) as sign, * from failures
),
paid_lines as (
    -- R12: a line counts while it and its disbursement are known
    select
        l.*,
        p.status,
        p.sign,
        p.paid_at,
        greatest(l.known_from, p.known_from) as both_known_from,
        least(coalesce(l.known_to, p.known_to), coalesce(p.known_to, l.known_to)) as both_known_to
    from events as l
    inner join payments as p on l._instance = p._instance and l.disbursement_id = p.disbursement_id
    where l.row_kind = 'line'
)
select
    'aws_marketplace' as channel,
    -- R20
    disbursement_id as payment_id,
    transaction_type as kind,
    coalesce(broker_id, 'AWS_INC') as marketplace,
    'ZZ' as country,
    'all countries' as country_reason,
    -- that of the invoice, as the line itself says; the earning it names says it better
    cast(date_trunc('month', coalesce(invoice_date, valid_from)) as date) as period_start,
    cast(date_trunc('month', coalesce(invoice_date, valid_from)) + interval '1 month' - interval '1 day' as date) as period_end,
    cast(paid_at as date) as paid_on,
    currency,
    sign * amount as accrued,
    cast(null as decimal(38, 18)) as withholding,
    cast(null as decimal(38, 18)) as adjustments,
    sign * amount as net,
    cast(null as decimal(38, 18)) as fx_rate_printed,
    -- R25
    sign * paid_amount as payout_amount,
    paid_currency as payout_currency,
    status,
    coalesce(parent_billing_event_id, billing_event_id) as earning_id,
    both_known_from as known_from,
    both_known_to as known_to,
    period_month,
    _instance,
    _file_id,
    _line
from paid_lines
where both_known_to is null or both_known_to > both_known_from
