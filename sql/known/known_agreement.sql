-- One row per agreement and revision, as known; a revision holds from revision_from until revision_to.
with
known as (
    -- R4: what is known at $known_at
    select *
    from dim_agreement
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
revisions as (
    select
        *,
        lag(valid_from) over (partition by agreement_id order by valid_from) as previous_valid_from,
        lead(valid_from) over (partition by agreement_id order by valid_from) as revision_to
    from known
)
select
    agreement_id,
    status,
    estimated_agreement_value,
    currency_code,
    license_ids,
    proposer_account_id,
    acceptor_account_id,
    offer_id,
    offer_set_id,
    offer_revision_at_acceptance,
    start_time,
    end_time,
    acceptance_time,
    intent,
    preceding_agreement_id,
    status_reason_code,
    catalog,
    valid_from,
    -- R3: the first revision reaches back without limit
    case
        when previous_valid_from is null then arrow_cast('0001-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
        else valid_from
    end as revision_from,
    revision_to,
    previous_valid_from is null as is_first,
    revision_to is null as is_latest,
    _instance,
    _file_id,
    _line
from revisions
