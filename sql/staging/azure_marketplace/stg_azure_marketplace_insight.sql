-- One row per day, offer, referrer, country and campaign.
select
    visited_on,
    offer_name,
    referral_domain,
    country,
    country_reason,
    page_visits,
    get_it_now,
    contact_me,
    test_drive,
    free_trial,
    campaign,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from azure_marketplace_insight
