-- One row per transaction reference, settlement, currency and reason: what does not roll forward or tie at the end of the month, and by how much.
with
lines as (
    -- R46
    select * from known_break
)
select
    transaction_reference_id,
    settlement_id,
    currency,
    reason,
    count(*) as lines,
    -- R7: exact, not rounded
    sum(amount) as amount
from lines
group by transaction_reference_id, settlement_id, currency, reason
