-- One row per title or season.
select
    title_key,
    title,
    series_key,
    season,
    release_on,
    _instance,
    _file_id,
    _line,
    _known_at
from reference_title
