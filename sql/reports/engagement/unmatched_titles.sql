-- One row per title as a channel names it that no declared identifier matches, or several do (R54).
select channel, title_ref, title_id, other_id, title_name, season, reason
from dim_title
-- R4: what is known at $known_at
where title_key is null
    -- money of no title, such as an adjustment of a balance, is nothing to match
    and (title_id is not null or other_id is not null or title_name is not null)
    and known_from <= $known_at
