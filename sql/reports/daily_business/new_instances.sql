-- One row per account, product and instance type with launches on the day.
with
launches as (
    select *
    from known_instance_launch
    where period_month >= cast(date_trunc('month', $interval_start) as date)
        and period_month < cast($interval_end as date)
        and launched_at >= $interval_start
        and launched_at < $interval_end
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
accounts as (
    -- R5, R19: the account as of the end of the day; the tax address, then the mailing address
    select account_id, aws_account_id, coalesce(tax_address_id, mailing_address_id) as address_id
    from known_account
    where revision_from < $interval_end and (revision_to is null or revision_to >= $interval_end)
),
addresses as (
    select address_id, country_code, state_or_region, city, postal_code, email_domain from known_address
),
instances as (
    -- an instance that was launched twice on the day counts once; a launch without an instance id counts by itself
    select
        account_id,
        product_id,
        instance_type,
        coalesce(instance_id, concat(_file_id, ':', cast(_line as text))) as instance
    from launches
    group by account_id, product_id, instance_type, coalesce(instance_id, concat(_file_id, ':', cast(_line as text)))
),
counted as (
    select account_id, product_id, instance_type, count(*) as instances
    from instances
    group by account_id, product_id, instance_type
),
final as (
    -- launches do not name a payer: the account that launched stands for it
    select
        c.account_id as customer_reference_id, -- R41
        d.state_or_region as users_state,
        d.country_code as users_country,
        p.title as product_title,
        p.product_code,
        c.instance_type as type,
        c.instances as count,
        a.aws_account_id as customer_aws_account_number,
        d.country_code as customer_country,
        d.state_or_region as customer_state,
        d.city as customer_city,
        d.postal_code as customer_zip_code,
        d.email_domain as customer_email_domain,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        c.account_id as payer_reference_id, -- R41
        a.address_id as payer_address_id, -- R41
        c.product_id
    from counted as c
    left join products as p
        on c.product_id = p.product_id
    left join accounts as a
        on c.account_id = a.account_id
    left join addresses as d
        on a.address_id = d.address_id
)
select * from final
