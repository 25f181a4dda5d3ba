-- One row per agreement with an end and product that is subscribed at the end of the day.
with
subscribers as (
    -- R22: with an end its length is variable
    select * from known_subscriber where subscription_kind = 'variable_length'
),
terms as (
    select agreement_id, term_type from known_pricing_term
),
quantities as (
    -- what the buyer configured, over all dimensions
    select agreement_id, sum(quantity) as quantity from known_agreement_dimension group by agreement_id
),
preceding as (
    select agreement_id, offer_id from known_agreement where is_latest
),
final as (
    select
        s.acceptor_aws_account_id as customer_aws_account_number,
        s.title as product_title,
        s.product_id,
        s.product_code,
        s.agreement_id as subscription_id, -- R22
        q.quantity as subscription_quantity,
        t.term_type as subscription_type,
        s.intent as subscription_intent,
        s.offer_id,
        cast(s.start_time as date) as subscription_start_date,
        p.offer_id as previous_offer_id,
        s.offer_visibility,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        s.acceptor_account_id as payer_reference_id, -- R41
        s.reseller_aws_account_id as reseller_account_id,
        s.reseller_name as reseller_account_name
    from subscribers as s
    left join terms as t
        on s.agreement_id = t.agreement_id
    left join quantities as q
        on s.agreement_id = q.agreement_id
    left join preceding as p
        on s.preceding_agreement_id = p.agreement_id
)
select * from final
