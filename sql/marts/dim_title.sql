-- One row per channel and way in which it names a title.
with
facts as (
    select channel, title_ref, title_id, other_id, title_name, season, known_from from fct_view
    union all
    select channel, title_ref, title_id, other_id, title_name, season, known_from from fct_earning
    union all
    select channel, title_ref, title_id, other_id, title_name, cast(null as text) as season, known_from from fct_sale
),
seen as (
    select
        channel,
        title_ref,
        min(title_id) as title_id,
        min(other_id) as other_id,
        min(title_name) as title_name,
        min(season) as season,
        min(known_from) as known_from
    from facts
    group by channel, title_ref
),
identifiers as (
    select title_key, channel, kind, identifier from stg_reference_title_identifier
),
candidates as (
    -- R54: an id is matched by ids, a name by what is declared to be a title
    select s.channel, s.title_ref, i.channel as declared_for, i.title_key, i.kind
    from seen as s
    inner join identifiers as i on s.title_id = i.identifier
    where i.kind <> 'title'
    union all
    select s.channel, s.title_ref, i.channel as declared_for, i.title_key, i.kind
    from seen as s
    inner join identifiers as i on s.other_id = i.identifier
    where i.kind <> 'title'
    union all
    select s.channel, s.title_ref, i.channel as declared_for, i.title_key, i.kind
    from seen as s
    inner join identifiers as i on s.title_name = i.identifier
    where i.kind = 'title'
),
matches as (
    select
        channel,
        title_ref,
        min(title_key) as title_key,
        min(kind) as kind,
        min(title_key) <> max(title_key) as is_ambiguous
    from candidates
    where declared_for = channel or declared_for = '*'
    group by channel, title_ref
),
catalogue as (
    select title_key, min(title) as title from stg_reference_title group by title_key
)
select
    s.channel,
    s.title_ref,
    s.title_id,
    s.other_id,
    s.title_name,
    s.season,
    case when not m.is_ambiguous then m.title_key end as title_key,
    case when not m.is_ambiguous then c.title end as catalogue_title,
    case when not m.is_ambiguous then m.kind end as matched_by,
    case when m.title_ref is null then 'no declared identifier' when m.is_ambiguous then 'its identifiers belong to several titles' end as reason,
    s.known_from,
    null as known_to
from seen as s
left join matches as m on s.channel = m.channel and s.title_ref = m.title_ref
left join catalogue as c on m.title_key = c.title_key
