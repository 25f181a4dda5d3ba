-- One row per line of a statement.
with
prime_video as (
    select
        'amazon_prime_video_direct' as channel,
        cast(null as text) as sub_channel,
        'royalty' as kind,
        title_id,
        vendor_sku as other_id,
        title as title_name,
        series,
        season,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        availability_type,
        period_start as event_from,
        period_end as event_to,
        period_start,
        period_end,
        quantity,
        duration_hours * 3600 as seconds,
        cer as cer_reported,
        royalty_amount as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_amazon_prime_video_direct_earnings
),
kdp_ebook as (
    select
        'kdp' as channel,
        cast(null as text) as sub_channel,
        'royalty' as kind,
        asin as title_id,
        cast(null as text) as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        format as availability_type,
        period_start as event_from,
        period_end as event_to,
        period_start,
        period_end,
        net_units_sold as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_ebook_royalty
),
kdp_print as (
    select
        'kdp' as channel,
        cast(null as text) as sub_channel,
        'royalty' as kind,
        coalesce(isbn, asin) as title_id,
        asin as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        format as availability_type,
        period_start as event_from,
        period_end as event_to,
        period_start,
        period_end,
        net_units_sold as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_print_royalty
),
kdp_kenp as (
    select
        'kdp' as channel,
        cast(null as text) as sub_channel,
        'royalty' as kind,
        asin as title_id,
        cast(null as text) as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        'KENP' as availability_type,
        period_start as event_from,
        period_end as event_to,
        period_start,
        period_end,
        pages_read as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_kenp_read
    where royalty is not null
),
youtube as (
    select
        'youtube' as channel,
        cast(null as text) as sub_channel,
        case when coalesce(adjustment_type, 'None') = 'None' then 'revenue' else concat('adjustment: ', adjustment_type) end as kind,
        coalesce(video_id, asset_id) as title_id,
        coalesce(custom_id, isrc) as other_id,
        coalesce(video_title, asset_title) as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        revenue as availability_type,
        day as event_from,
        last_day as event_to,
        cast(date_trunc('month', month_end) as date) as period_start,
        month_end as period_end,
        owned_views as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        partner_revenue as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from int_youtube_revenue
),
apple as (
    select
        'apple' as channel,
        cast(null as text) as sub_channel,
        case sale_or_return when 'R' then 'return' else 'royalty' end as kind,
        apple_identifier as title_id,
        vendor_identifier as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        region as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        product_type as availability_type,
        coalesce(transacted_on, period_start) as event_from,
        coalesce(transacted_on, period_end) as event_to,
        period_start,
        period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        extended_partner_share as amount,
        partner_share_currency as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_apple_financial
),
google_play as (
    select
        'google_play' as channel,
        cast(null as text) as sub_channel,
        transaction_type as kind,
        product_id as title_id,
        sku_id as other_id,
        product_title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        product_type as availability_type,
        transacted_on as event_from,
        transacted_on as event_to,
        cast(date_trunc('month', transacted_on) as date) as period_start,
        cast(date_trunc('month', transacted_on) + interval '1 month' - interval '1 day' as date) as period_end,
        cast(null as decimal(38, 18)) as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        amount_merchant as amount,
        merchant_currency as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_google_play_earnings
),
filmhub as (
    select
        'filmhub' as channel,
        case when strpos(info, ':') > 0 then split_part(info, ':', 1) end as sub_channel,
        type as kind,
        cast(null as text) as title_id,
        cast(null as text) as other_id,
        case when strpos(info, ':') > 0 then trim(split_part(info, ':', 2)) end as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'the export has no countries' as country_reason,
        cast(null as text) as availability_type,
        period_start as event_from,
        period_end as event_to,
        cast(date_trunc('month', transacted_on) as date) as period_start,
        cast(date_trunc('month', transacted_on) + interval '1 month' - interval '1 day' as date) as period_end,
        cast(null as decimal(38, 18)) as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_filmhub_transaction
    where lower(type) not like '%transfer%'
),
distrokid as (
    select
        'distrokid' as channel,
        store as sub_channel,
        'royalty' as kind,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        source_type as availability_type,
        sale_month as event_from,
        cast(sale_month + interval '1 month' - interval '1 day' as date) as event_to,
        cast(date_trunc('month', reported_on) as date) as period_start,
        cast(date_trunc('month', reported_on) + interval '1 month' - interval '1 day' as date) as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        earnings as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_distrokid_sale
),
tunecore as (
    select
        'tunecore' as channel,
        store as sub_channel,
        'royalty' as kind,
        upc as title_id,
        optional_isrc as other_id,
        song_title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sales_type as availability_type,
        sales_period as event_from,
        cast(sales_period + interval '1 month' - interval '1 day' as date) as event_to,
        cast(date_trunc('month', posted_on) as date) as period_start,
        cast(date_trunc('month', posted_on) + interval '1 month' - interval '1 day' as date) as period_end,
        units as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        total_earned as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_tunecore_sale
),
cd_baby as (
    select
        'cd_baby' as channel,
        store as sub_channel,
        'royalty' as kind,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        transaction_type as availability_type,
        sold_on as event_from,
        sold_on as event_to,
        cast(date_trunc('month', reported_on) as date) as period_start,
        cast(date_trunc('month', reported_on) + interval '1 month' - interval '1 day' as date) as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        subtotal as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_cd_baby_sale
),
believe as (
    select
        'believe' as channel,
        store as sub_channel,
        'royalty' as kind,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sales_type as availability_type,
        sales_month as event_from,
        cast(sales_month + interval '1 month' - interval '1 day' as date) as event_to,
        cast(date_trunc('month', reporting_month) as date) as period_start,
        cast(date_trunc('month', reporting_month) + interval '1 month' - interval '1 day' as date) as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        net_revenue as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_believe_sale
),
symphonic as (
    select
        'symphonic' as channel,
        store as sub_channel,
        'royalty' as kind,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        delivery as availability_type,
        activity_month as event_from,
        cast(activity_month + interval '1 month' - interval '1 day' as date) as event_to,
        reporting_month as period_start,
        reporting_end as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_symphonic_sale
),
bandcamp as (
    select
        'bandcamp' as channel,
        cast(null as text) as sub_channel,
        item_type as kind,
        coalesce(upc, catalog_number) as title_id,
        isrc as other_id,
        item_name as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        item_type as availability_type,
        cast(sold_at as date) as event_from,
        cast(sold_at as date) as event_to,
        cast(date_trunc('month', sold_at) as date) as period_start,
        cast(date_trunc('month', sold_at) + interval '1 month' - interval '1 day' as date) as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        net_amount as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_bandcamp_sale
    where lower(item_type) not in ('payout', 'pending payout')
),
azure as (
    select
        'azure_marketplace' as channel,
        cast(null as text) as sub_channel,
        'earning' as kind,
        asset_id as title_id,
        sku as other_id,
        offer_name as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        coalesce(country, 'ZZ') as country,
        country_reason,
        offer_type as availability_type,
        month as event_from,
        cast(month + interval '1 month' - interval '1 day' as date) as event_to,
        month as period_start,
        cast(month + interval '1 month' - interval '1 day' as date) as period_end,
        quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        earning_amount_pc as amount,
        earning_currency_code as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_azure_marketplace_revenue
    where earning_amount_pc is not null
),
aws_legacy_billed as (
    -- R70: two sections of one report
    select 'billed revenue' as kind, product_code, product_title, report_date, partner_revenue_amount, currency, _known_at, period_month, _instance, _file_id, _line
    from stg_aws_marketplace_legacy_monthly_revenue_billing_and_revenue_data
    union all
    select 'billed subscriptions' as kind, product_code, product_title, report_date, partner_revenue_amount, currency, _known_at, period_month, _instance, _file_id, _line
    from stg_aws_marketplace_legacy_monthly_revenue_annual_subscriptions
),
aws_legacy as (
    select
        'aws_marketplace_legacy' as channel,
        cast(null as text) as sub_channel,
        kind,
        product_code as title_id,
        cast(null as text) as other_id,
        product_title as title_name,
        cast(null as text) as series,
        cast(null as text) as season,
        cast(null as text) as marketplace,
        'ZZ' as country,
        'not asked for' as country_reason,
        cast(null as text) as availability_type,
        cast(date_trunc('month', report_date) - interval '1 month' as date) as event_from,
        cast(date_trunc('month', report_date) - interval '1 day' as date) as event_to,
        cast(date_trunc('month', report_date) - interval '1 month' as date) as period_start,
        cast(date_trunc('month', report_date) - interval '1 day' as date) as period_end,
        cast(null as decimal(38, 18)) as quantity,
        cast(null as decimal(28, 10)) as seconds,
        cast(null as decimal(10, 8)) as cer_reported,
        partner_revenue_amount as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from aws_legacy_billed
    where partner_revenue_amount is not null
),
statements as (
    select * from prime_video
    union all
    select * from kdp_ebook
    union all
    select * from kdp_print
    union all
    select * from kdp_kenp
    union all
    select * from youtube
    union all
    select * from apple
    union all
    select * from google_play
    union all
    select * from filmhub
    union all
    select * from distrokid
    union all
    select * from tunecore
    union all
    select * from cd_baby
    union all
    select * from believe
    union all
    select * from symphonic
    union all
    select * from bandcamp
    union all
    select * from azure
    union all
    select * from aws_legacy
),
lines as (
    select
        channel, sub_channel, kind, title_id, other_id, title_name, series, season, marketplace, country, country_reason, availability_type,
        event_from, event_to, period_start, period_end, quantity, seconds, cer_reported, amount, currency,
        cast(null as text) as earning_id, _known_at as known_from, null as known_to, period_month, _instance, _file_id, _line
    from statements
    union all
    -- R65
    select
        channel, sub_channel, kind, title_id, other_id, title_name, series, season, marketplace, country, country_reason, availability_type,
        event_from, event_to, period_start, period_end, quantity, seconds, cer_reported, amount, currency,
        earning_id, known_from, known_to, period_month, _instance, _file_id, _line
    from int_aws_earning
)
select
    channel,
    sub_channel,
    kind,
    title_id,
    other_id,
    title_name,
    series,
    season,
    marketplace,
    country,
    country_reason,
    availability_type,
    event_from,
    event_to,
    period_start,
    period_end,
    quantity,
    seconds,
    cer_reported,
    amount,
    -- nothing is nothing in any currency: a zero without one is in none
    coalesce(currency, 'XXX') as currency,
    concat_ws(' | ', coalesce(title_id, '-'), coalesce(other_id, '-'), coalesce(title_name, '-'), coalesce(season, '-')) as title_ref,
    -- R53: a season of a series is one work
    case
        when season is not null and (series is not null or title_name is not null) then concat(coalesce(series, title_name), ' / ', season)
        else coalesce(title_id, title_name, other_id, 'unknown')
    end as work_id,
    earning_id,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from lines
