-- One row per line of the report, once where reports overlap (R68).
with
copies as (
    select
        *,
        dense_rank() over (
            partition by _instance, transaction_id, transacted_at, type, status, currency, gross, net
            order by _file_id
        ) as copy
    from paypal_transaction
)
select
    language,
    transacted_at,
    transacted_on,
    name,
    type,
    status,
    currency,
    gross,
    fee,
    net,
    from_email,
    to_email,
    transaction_id,
    item_title,
    reference_id,
    invoice_number,
    balance,
    subject,
    note,
    balance_impact,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from copies
where copy = 1
