-- One row per line of an export that counts units.
with
prime_video as (
    select
        'amazon_prime_video_direct' as channel,
        cast(null as text) as sub_channel,
        title_id,
        vendor_sku as other_id,
        title as title_name,
        availability_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        period_start as sold_on,
        quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        royalty_amount as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_amazon_prime_video_direct_earnings
    where quantity is not null
),
kdp_ebook as (
    select
        'kdp' as channel,
        cast(null as text) as sub_channel,
        asin as title_id,
        cast(null as text) as other_id,
        title as title_name,
        format as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        period_start as sold_on,
        net_units_sold as quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_ebook_royalty
),
kdp_print as (
    select
        'kdp' as channel,
        cast(null as text) as sub_channel,
        coalesce(isbn, asin) as title_id,
        asin as other_id,
        title as title_name,
        format as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        period_start as sold_on,
        net_units_sold as quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_kdp_print_royalty
),
apple as (
    select
        'apple' as channel,
        cast(null as text) as sub_channel,
        apple_identifier as title_id,
        sku as other_id,
        title as title_name,
        product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        begin_on as sold_on,
        units as quantity,
        proceeds_per_unit as unit_amount,
        cast(null as decimal(38, 18)) as amount,
        proceeds_currency as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_apple_sales
),
google_play as (
    select
        'google_play' as channel,
        cast(null as text) as sub_channel,
        product_id as title_id,
        sku_id as other_id,
        product_title as title_name,
        product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        transacted_on as sold_on,
        case when transaction_type = 'Charge' then 1 else -1 end as quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        amount_merchant as amount,
        merchant_currency as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_google_play_earnings
    where transaction_type in ('Charge', 'Charge refund')
),
distrokid as (
    select
        'distrokid' as channel,
        store as sub_channel,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        source_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sale_month as sold_on,
        quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        earnings as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_distrokid_sale
),
tunecore as (
    select
        'tunecore' as channel,
        store as sub_channel,
        upc as title_id,
        optional_isrc as other_id,
        song_title as title_name,
        sales_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sales_period as sold_on,
        units as quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        total_earned as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_tunecore_sale
),
cd_baby as (
    select
        'cd_baby' as channel,
        store as sub_channel,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        transaction_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sold_on,
        quantity,
        price as unit_amount,
        subtotal as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_cd_baby_sale
),
believe as (
    select
        'believe' as channel,
        store as sub_channel,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        sales_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        sales_month as sold_on,
        quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        net_revenue as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_believe_sale
),
symphonic as (
    select
        'symphonic' as channel,
        store as sub_channel,
        upc as title_id,
        isrc as other_id,
        title as title_name,
        delivery as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        activity_month as sold_on,
        quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        royalty as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_symphonic_sale
),
bandcamp as (
    select
        'bandcamp' as channel,
        cast(null as text) as sub_channel,
        coalesce(upc, catalog_number) as title_id,
        isrc as other_id,
        item_name as title_name,
        item_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        cast(sold_at as date) as sold_on,
        quantity,
        item_price as unit_amount,
        net_amount as amount,
        currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_bandcamp_sale
    where lower(item_type) not in ('payout', 'pending payout')
),
ddex as (
    select
        'ddex_dsrf' as channel,
        sender as sub_channel,
        coalesce(transacted_release, transacted_resource) as title_id,
        block_id as other_id,
        cast(null as text) as title_name,
        'download' as product_type,
        'ZZ' as country,
        'in the summary record' as country_reason,
        period_start as sold_on,
        usages - coalesce(returns, 0) as quantity,
        cast(null as decimal(38, 18)) as unit_amount,
        cast(null as decimal(38, 18)) as amount,
        cast(null as text) as currency,
        _known_at, period_month, _instance, _file_id, _line
    from stg_ddex_dsrf_usage_download
),
azure_usage as (
    select
        *,
        max(case when raw_usage is not null then 1 else 0 end) over (partition by _instance, period_month, used_on) as day_has_raw_usage
    from stg_azure_marketplace_usage
),
azure as (
    -- R67: billed usage, each once; in the customer's currency, else in the one paid in
    select
        'azure_marketplace' as channel,
        cast(null as text) as sub_channel,
        cast(null as text) as title_id,
        sku as other_id,
        offer_name as title_name,
        offer_type as product_type,
        coalesce(country, 'ZZ') as country,
        country_reason,
        used_on as sold_on,
        coalesce(metered_usage, raw_usage, normalized_usage) as quantity,
        case when estimated_charge_cc is not null then price_cc else estimated_price_pc end as unit_amount,
        coalesce(estimated_charge_cc, estimated_charge_pc) as amount,
        case when estimated_charge_cc is not null then customer_currency else payout_currency end as currency,
        _known_at, period_month, _instance, _file_id, _line
    from azure_usage
    where coalesce(estimated_charge_cc, estimated_charge_pc, 0) <> 0
        and (metered_usage is not null or raw_usage is not null or day_has_raw_usage = 0)
),
statements as (
    select * from prime_video
    union all
    select * from kdp_ebook
    union all
    select * from kdp_print
    union all
    select * from apple
    union all
    select * from google_play
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
    select * from ddex
    union all
    select * from azure
),
lines as (
    select
        channel, sub_channel, title_id, other_id, title_name, product_type, country, country_reason, sold_on, quantity, unit_amount, amount, currency,
        _known_at as known_from, null as known_to, period_month, _instance, _file_id, _line
    from statements
    union all
    -- R65
    select
        channel, sub_channel, title_id, other_id, title_name, product_type, country, country_reason, sold_on, quantity, unit_amount, amount, currency,
        known_from, known_to, period_month, _instance, _file_id, _line
    from int_aws_sale
)
select
    channel,
    sub_channel,
    title_id,
    other_id,
    title_name,
    product_type,
    country,
    country_reason,
    sold_on,
    quantity,
    unit_amount,
    amount,
    currency,
    concat_ws(' | ', coalesce(title_id, '-'), coalesce(other_id, '-'), coalesce(title_name, '-'), '-') as title_ref,
    known_from,
    known_to,
    period_month,
    _instance,
    _file_id,
    _line
from lines
