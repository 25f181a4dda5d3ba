-- One row per title as a channel names it that no declared identifier matches, or several do (R54).
select channel, title_ref, title_id, other_id, title_name, season, reason
from dim_title
-- R4: what is known at $known_at
where title_key is null
    and known_from <= $known_at
