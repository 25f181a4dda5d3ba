-- One row per line: a transaction stands in each report that covers its day.
select
    balance_transaction_id,
    created_at,
    available_on,
    currency,
    gross,
    fee,
    net,
    reporting_category,
    description,
    source_id,
    payout_id,
    created_local_on,
    available_local_on,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from stripe_balance
