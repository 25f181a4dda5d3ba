-- One row per offer id, new and old: to whom the offer is shown, as known (R24, R36).
with
offers as (
    select offer_id, offer_revision, seller_account_id
    from known_offer
),
seller as (
    select distinct account_id
    from known_account
    where aws_account_id = $seller_account
),
targets as (
    -- R4: what is known at $known_at
    select offer_id, offer_revision, offer_target_id, target_type, value, valid_from
    from dim_offer_target
    where _instance = $instance
        and known_from <= $known_at
        and (known_to is null or known_to > $known_at)
),
target_revisions as (
    select *, row_number() over (partition by offer_target_id order by valid_from desc nulls last) as nth
    from targets
),
aimed as (
    -- R24: private before programs before countries before anything else; programs by name
    select
        t.offer_id,
        min(
            case t.target_type
                when 'BuyerAccounts' then '1Private'
                when 'ParticipatingPrograms' then concat('2Program:', t.value)
                when 'CountryCodes' then '3GeoTargeted'
                else '4Other Targeting'
            end
        ) as aim,
        -- R36
        bool_or(t.target_type = 'ParticipatingPrograms' and t.value = 'FieldDemonstration') as is_field_demonstration
    from target_revisions as t
    inner join offers as o
        on t.offer_id = o.offer_id and t.offer_revision = o.offer_revision
    where t.nth = 1
    group by t.offer_id
),
shown as (
    select
        o.offer_id,
        case
            -- R24: an offer that somebody else made for the seller's product is a channel offer
            when o.seller_account_id is not null
                and o.seller_account_id <> $seller_account
                and s.account_id is null
                then 'Private'
            when a.aim is null then 'Public'
            else substr(a.aim, 2)
        end as offer_visibility,
        coalesce(a.is_field_demonstration, false) as is_field_demonstration
    from offers as o
    left join aimed as a on o.offer_id = a.offer_id
    left join seller as s on o.seller_account_id = s.account_id
),
old_ids as (
    -- facts may still name an offer by its old id
    select l.legacy_id as offer_id, s.offer_visibility, s.is_field_demonstration
    from known_legacy_id as l
    inner join shown as s on l.new_id = s.offer_id
    left join shown as already on l.legacy_id = already.offer_id
    where l.mapping_type = 'OFFER' and already.offer_id is null
),
all_ids as (
    select offer_id, offer_visibility, is_field_demonstration from shown
    union all
    select offer_id, offer_visibility, is_field_demonstration from old_ids
)
select offer_id, offer_visibility, is_field_demonstration
from all_ids
