-- One row per agreement, product and term as the agreement details report listed it.
with
details as (
    select * from stg_aws_agreement_detail
),
copies as (
    -- the report's windows overlap: an agreement that was listed twice in the same words is one
    select
        *,
        row_number() over (
            partition by
                _instance, agreement_id, product_title, offer_id, offer_visibility, is_free_trial_offer,
                subscriber_aws_account_id, customer_id, reseller_name, reseller_aws_account_id,
                agreement_acceptance_date, agreement_start_date, agreement_end_date
            order by _file_id, _line
        ) as copy
    from details
)
select
    agreement_id,
    offer_id,
    customer_id,
    subscriber_aws_account_id,
    reseller_aws_account_id,
    reseller_name,
    product_title,
    offer_visibility,
    coalesce(is_free_trial_offer, false) as is_free_trial_offer,
    agreement_acceptance_date,
    coalesce(agreement_start_date, agreement_acceptance_date) as agreement_start_date,
    -- an open end is written as a day of the year 9999
    case when date_part('year', agreement_end_date) < 9999 then agreement_end_date end as agreement_end_date,
    _known_at as known_from,
    arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as known_to,
    cast(date_trunc('month', agreement_acceptance_date) as date) as period_month,
    _instance,
    _file_id,
    _line
from copies
where copy = 1
