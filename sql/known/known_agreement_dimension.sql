-- One row per agreement, term and dimension that the buyer configured, with its quantity, as known at $known_at.
with
terms as (
    select agreement_id, term_id, term_type, term_configuration
    from known_agreement_term
    where term_configuration like '%"dimensionKey"%'
),
parts as (
    -- each dimension is one object of the configuration's JSON text
    select agreement_id, term_id, term_type, unnest(string_to_array(term_configuration, '{')) as part
    from terms
),
dimensions as (
    select
        agreement_id,
        term_id,
        term_type,
        regexp_match(part, '"dimensionKey"\s*:\s*"([^"]*)"')[1] as dimension_key,
        regexp_match(part, '"dimensionValue"\s*:\s*"?(\d{1,15})\b')[1] as dimension_value
    from parts
    where part like '%"dimensionKey"%'
)
select
    agreement_id,
    term_id,
    term_type,
    dimension_key,
    cast(dimension_value as bigint) as quantity
from dimensions
