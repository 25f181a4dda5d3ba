-- One row per known version of a billing event that changes what AWS Marketplace owes the seller, as a line of a statement of its invoice's month.
with
events as (
    -- R65: what R12 counts as owed: price, cost of resale, listing fees, the seller's taxes, adjustments; forgiving takes back
    select *
    from fct_billing_event
    where transaction_type not in ('DISBURSEMENT', 'DISBURSEMENT_FAILURE')
        and (
            (action = 'INVOICED' and balance_impacting = 1)
            or (action = 'FORGIVEN' and (balance_impacting = 1 or transaction_type not like 'AWS_TAX_SHARE%'))
        )
)
select
    'aws_marketplace' as channel,
    cast(null as text) as sub_channel,
    case action when 'FORGIVEN' then concat('FORGIVEN ', transaction_type) else transaction_type end as kind,
    product_id as title_id,
    cast(null as text) as other_id,
    cast(null as text) as title_name,
    cast(null as text) as series,
    cast(null as text) as season,
    coalesce(broker_id, 'AWS_INC') as marketplace,
    'ZZ' as country,
    'the feed names an account' as country_reason,
    cast(null as text) as availability_type,
    cast(coalesce(usage_period_start_date, invoice_date, valid_from) as date) as event_from,
    cast(coalesce(usage_period_end_date, invoice_date, valid_from) as date) as event_to,
    cast(date_trunc('month', coalesce(invoice_date, valid_from)) as date) as period_start,
    cast(date_trunc('month', coalesce(invoice_date, valid_from)) + interval '1 month' - interval '1 day' as date) as period_end,
    cast(null as decimal(38, 18)) as quantity,
    cast(null as decimal(28, 10)) as seconds,
    cast(null as decimal(10, 8)) as cer_reported,
    -- R25: an event invoiced in two currencies is settled in the second
    case when disbursement_amount is not null and disbursement_currency is not null then disbursement_amount else amount end as amount,
    case when disbursement_amount is not null and disbursement_currency is not null then disbursement_currency else currency end as currency,
    billing_event_id as earning_id,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from events
