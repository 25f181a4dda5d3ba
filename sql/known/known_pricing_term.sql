-- One row per agreement: the term that says how it is paid, as known at $known_at.
with
terms as (
    select agreement_id, term_id, term_type, _instance, _file_id, _line
    from known_agreement_term
    where term_type is not null
),
ranked as (
    -- a schedule before fixed and configured prices, those before recurring and metered ones, legal and other terms last
    select
        *,
        row_number() over (
            partition by agreement_id
            order by
                case term_type
                    when 'PaymentScheduleTerm' then 1
                    when 'FixedUpfrontPricingTerm' then 2
                    when 'ConfigurableUpfrontPricingTerm' then 3
                    when 'VariablePaymentTerm' then 4
                    when 'RecurringPaymentTerm' then 5
                    when 'UsageBasedPricingTerm' then 6
                    when 'ByolPricingTerm' then 7
                    when 'FreeTrialPricingTerm' then 8
                    else 9
                end,
                term_type,
                term_id
        ) as nth
    from terms
)
select
    agreement_id,
    term_id,
    term_type,
    _instance,
    _file_id,
    _line
from ranked
where nth = 1
