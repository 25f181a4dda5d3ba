-- One row per line of the reports that count.
with
reports as (
    -- R69: of the reports that tell one revenue the raw one counts before a summary, and of these the one by video, else by claim, else by asset
    select
        *,
        rank() over (
            partition by _instance, owner, revenue, month_end, period_month
            order by
                case when lower(report) like '%raw%' then 1 else 2 end,
                case grain when 'video' then 1 when 'claim' then 2 else 3 end,
                lower(report)
        ) as place
    from stg_youtube_ad_revenue
)
select * from reports where place = 1
