-- One row per transaction reference, currency and reason: the references that do not roll forward at the end of the month.
with
lines as (
    select * from known_break
)
select
    transaction_reference_id,
    currency,
    reason,
    count(*) as lines,
    sum(amount) as amount
from lines
group by transaction_reference_id, currency, reason
