-- One row per agreement as reported.
select
    vendor_display_name,
    vendor_aws_account_id,
    subscriber_aws_account_id,
    customer_id,
    product_title,
    offer_id,
    offer_visibility,
    reseller_name,
    reseller_aws_account_id,
    agreement_id,
    agreement_acceptance_date,
    agreement_start_date,
    agreement_end_date,
    is_free_trial_offer,
    total_contract_value,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_agreement_detail
