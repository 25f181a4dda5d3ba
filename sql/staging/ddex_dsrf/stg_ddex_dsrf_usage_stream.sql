-- One row per record.
select
    message_id,
    profile,
    sender,
    period_start,
    period_end,
    record_type,
    block_id,
    summary_record_id,
    sales_transaction_id,
    transacted_release,
    transacted_resource,
    is_royalty_bearing,
    usages,
    price_consumer_paid,
    promotional_activity,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from ddex_dsrf_usage_stream
