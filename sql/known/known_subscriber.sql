-- One row per agreement and product that is subscribed at the end of the interval, as known at $known_at, with its parties.
with
subscriptions as (
    select * from known_subscription
),
products as (
    -- R5: titles and codes are the latest
    select product_id, product_code, title from known_product where is_latest
),
offers as (
    select offer_id, offer_visibility from known_offer_visibility
),
accounts as (
    -- the account as of the end of the covered day
    select account_id, aws_account_id, tax_legal_name, mailing_address_id
    from known_account
    where revision_from < $interval_end and (revision_to is null or revision_to >= $interval_end)
),
addresses as (
    select address_id, company_name from known_address
),
subscribed as (
    -- R22: the newest revision by the day's end; ACTIVE, started, not ended
    select *
    from subscriptions
    where valid_from < $interval_end
        and (revision_to is null or revision_to >= $interval_end)
        and status = 'ACTIVE'
        and (start_time is null or start_time < $interval_end)
        and (end_time is null or end_time >= $interval_end)
),
final as (
    select
        s.agreement_id,
        s.product_id,
        s.offer_id,
        s.preceding_agreement_id,
        s.acceptor_account_id,
        s.subscription_kind,
        s.intent,
        s.start_time,
        p.title,
        p.product_code,
        o.offer_visibility, -- R24
        buyer.aws_account_id as acceptor_aws_account_id,
        -- a reseller is a proposer other than this seller
        case when proposer.aws_account_id <> $seller_account then proposer.aws_account_id end as reseller_aws_account_id,
        case when proposer.aws_account_id <> $seller_account then coalesce(a.company_name, proposer.tax_legal_name) end as reseller_name,
        s._instance,
        s._file_id,
        s._line
    from subscribed as s
    left join products as p
        on s.product_id = p.product_id
    left join offers as o
        on s.offer_id = o.offer_id
    left join accounts as buyer
        on s.acceptor_account_id = buyer.account_id
    left join accounts as proposer
        on s.proposer_account_id = proposer.account_id
    left join addresses as a
        on proposer.mailing_address_id = a.address_id
)
select * from final
