-- One row per payment line: payment, sales period, marketplace and currency.
with
prime_video as (
    select
        'amazon_prime_video_direct' as channel,
        payment_number as payment_id,
        'payment' as kind,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        period_start,
        period_end,
        paid_on,
        currency,
        accrued_royalty as accrued,
        tax_withholding as withholding,
        adjustments,
        net_earnings as net,
        fx_rate as fx_rate_printed,
        payout_amount,
        payout_currency,
        payment_status as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_amazon_prime_video_direct_payments
),
kdp as (
    select
        'kdp' as channel,
        payment_number as payment_id,
        'payment' as kind,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        period_start,
        period_end,
        paid_on,
        coalesce(currency, payout_currency) as currency,
        accrued_royalty as accrued,
        tax_withholding as withholding,
        adjustments,
        net_earnings as net,
        fx_rate as fx_rate_printed,
        payout_amount,
        payout_currency,
        payment_status as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_payment
    -- R61: nothing is paid before it is paid out
    where level = 'payment' and net_earnings is not null and (payout_amount is not null or net_earnings = 0)
),
apple as (
    select
        'apple' as channel,
        paid_to as payment_id,
        'payment' as kind,
        region_currency as marketplace,
        'ZZ' as country,
        'a region' as country_reason,
        period_start,
        period_end,
        cast(null as date) as paid_on,
        currency,
        coalesce(balance, 0) + earned + coalesce(input_tax, 0) as accrued,
        -withholding_tax as withholding,
        adjustments,
        total_owed as net,
        exchange_rate as fx_rate_printed,
        proceeds as payout_amount,
        bank_currency as payout_currency,
        cast(null as text) as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_apple_payment
),
filmhub_statement as (
    select
        'filmhub' as channel,
        content_owner as payment_id,
        'statement' as kind,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'all countries' as country_reason,
        period_start,
        period_end,
        cast(null as date) as paid_on,
        currency,
        your_share as accrued,
        tax_withholding as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        payment_amount as net,
        cast(null as decimal(38, 18)) as fx_rate_printed,
        payment_amount as payout_amount,
        currency as payout_currency,
        cast(null as text) as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_filmhub_statement
),
filmhub_transfer as (
    select
        'filmhub' as channel,
        cast(null as text) as payment_id,
        type as kind,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'all countries' as country_reason,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        transacted_on as paid_on,
        currency,
        cast(null as decimal(38, 18)) as accrued,
        cast(null as decimal(38, 18)) as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        -amount as net,
        cast(null as decimal(38, 18)) as fx_rate_printed,
        -- a fee leaves the balance and does not arrive
        case when lower(type) like '%fee%' then 0 else -amount end as payout_amount,
        currency as payout_currency,
        info as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_filmhub_transaction
    where lower(type) like '%transfer%'
),
bandcamp as (
    select
        'bandcamp' as channel,
        coalesce(paypal_transaction_id, bandcamp_transaction_id) as payment_id,
        item_type as kind,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'all countries' as country_reason,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        cast(sold_at as date) as paid_on,
        currency,
        cast(null as decimal(38, 18)) as accrued,
        cast(null as decimal(38, 18)) as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        -net_amount as net,
        cast(null as decimal(38, 18)) as fx_rate_printed,
        -net_amount as payout_amount,
        currency as payout_currency,
        cast(null as text) as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_bandcamp_sale
    where lower(item_type) in ('payout')
),
stripe as (
    select
        'stripe' as channel,
        balance_transaction_id as payment_id,
        reporting_category as kind,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'all countries' as country_reason,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        coalesce(cast(created_at as date), created_local_on) as paid_on,
        currency,
        cast(null as decimal(38, 18)) as accrued,
        cast(null as decimal(38, 18)) as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        -net as net,
        cast(null as decimal(38, 18)) as fx_rate_printed,
        -- R61: what an instant payout costs leaves the balance and does not arrive
        -gross as payout_amount,
        currency as payout_currency,
        cast(null as text) as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_stripe_balance
    -- a transfer goes to somebody else's account
    where reporting_category in ('payout', 'payout_reversal', 'payout_cancel', 'payout_failure')
),
-- R68: a transaction stands in each report that covers its day
stripe_once as (
    select * exclude (nth)
    from (select *, row_number() over (partition by _instance, payment_id order by _file_id, _line) as nth from stripe)
    where nth = 1
),
azure as (
    select
        'azure_marketplace' as channel,
        concat(purchase_record_id, '/', line_item_id) as payment_id,
        'earning' as kind,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        month as period_start,
        cast(month + interval '1 month' - interval '1 day' as date) as period_end,
        payment_sent_date as paid_on,
        earning_currency_code as currency,
        earning_amount_pc as accrued,
        cast(null as decimal(38, 18)) as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        earning_amount_pc as net,
        earning_exchange_rate_pc as fx_rate_printed,
        earning_amount_pc as payout_amount,
        earning_currency_code as payout_currency,
        payout_status as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_azure_marketplace_revenue
    where payment_sent_date is not null and earning_amount_pc is not null
),
aws_legacy as (
    select
        'aws_marketplace_legacy' as channel,
        cast(report_date as text) as payment_id,
        'disbursement' as kind,
        product as marketplace,
        'ZZ' as country,
        'not asked for' as country_reason,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        report_date as paid_on,
        currency,
        net_amount as accrued,
        cast(null as decimal(38, 18)) as withholding,
        cast(null as decimal(38, 18)) as adjustments,
        net_amount as net,
        cast(null as decimal(38, 18)) as fx_rate_printed,
        net_amount as payout_amount,
        currency as payout_currency,
        cast(null as text) as status,
        _known_at, period_month, _instance, _file_id, _line
    from stg_aws_marketplace_legacy_disbursed_amount_by_product
    where net_amount is not null
),
statements as (
    select * from prime_video
    union all
    select * from kdp
    union all
    select * from apple
    union all
    select * from filmhub_statement
    union all
    select * from filmhub_transfer
    union all
    select * from bandcamp
    union all
    select * from stripe_once
    union all
    select * from azure
    union all
    select * from aws_legacy
),
lines as (
    select
        channel, payment_id, kind, marketplace, country, country_reason, period_start, period_end, paid_on, currency,
        accrued, withholding, adjustments, net, fx_rate_printed, payout_amount, payout_currency, status,
        cast(null as text) as earning_id, _known_at as known_from, null as known_to, period_month, _instance, _file_id, _line
    from statements
    union all
    -- R65
    select
        channel, payment_id, kind, marketplace, country, country_reason, period_start, period_end, paid_on, currency,
        accrued, withholding, adjustments, net, fx_rate_printed, payout_amount, payout_currency, status,
        earning_id, known_from, known_to, period_month, _instance, _file_id, _line
    from int_aws_payment
)
select
    channel,
    payment_id,
    kind,
    marketplace,
    country,
    country_reason,
    period_start,
    period_end,
    paid_on,
    -- nothing is nothing in any currency: a zero without one is in none
    coalesce(currency, 'XXX') as currency,
    accrued,
    withholding,
    adjustments,
    net,
    fx_rate_printed,
    payout_amount,
    payout_currency,
    status,
    earning_id,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from lines
