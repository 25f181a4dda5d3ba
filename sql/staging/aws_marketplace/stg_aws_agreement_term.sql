-- One row per version of a revision of an agreement's term.
select
    agreement_id,
    term_id,
    term_type,
    term_configuration,
    valid_from,
    insert_date,
    update_date,
    delete_date,
    _instance,
    _file_id,
    _line,
    _known_at
from aws_agreement_term
