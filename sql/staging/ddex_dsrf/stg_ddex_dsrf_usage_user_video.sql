-- One row per record.
select
    message_id,
    profile,
    sender,
    period_start,
    period_end,
    record_type,
    block_id,
    sales_transaction_id,
    summary_record_id,
    dsp_resource_id,
    usages,
    net_revenue,
    is_royalty_bearing,
    _instance,
    _file_id,
    _line,
    _known_at,
    period_month
from ddex_dsrf_usage_user_video
