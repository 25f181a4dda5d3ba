-- One row per agreement without an end and product that is subscribed at the end of the day.
with
subscribers as (
    -- R22: without an end it is hourly or monthly
    select * from known_subscriber where subscription_kind = 'hourly_monthly'
),
final as (
    select
        acceptor_aws_account_id as customer_aws_account_number,
        title as product_title,
        product_id,
        product_code,
        cast(start_time as date) as subscription_start_date,
        offer_id,
        offer_visibility,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        acceptor_account_id as payer_reference_id, -- R41
        reseller_aws_account_id as reseller_account_id,
        reseller_name as reseller_account_name,
        agreement_id
    from subscribers
)
select * from final
