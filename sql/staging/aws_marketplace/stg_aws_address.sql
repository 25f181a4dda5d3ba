-- One row per version of an address.
select
    address_id,
    aws_account_id,
    email_domain,
    company_name,
    country_code,
    state_or_region,
    city,
    postal_code,
    address_line_1,
    address_line_2,
    address_line_3,
    valid_to,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_address
