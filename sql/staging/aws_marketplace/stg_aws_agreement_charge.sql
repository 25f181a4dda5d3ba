-- One row per version of a planned charge of an agreement's term; `time` is called charge_time from here on.
select
    agreement_id,
    term_id,
    time as charge_time,
    amount,
    currency_code,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_agreement_charge
