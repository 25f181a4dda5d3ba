-- One row per product with free trials that started, ran, converted or ended on the day.
--
-- R40, exactly: a trial is an agreement of the details report with is_free_trial_offer. It converts when the first other agreement of the
-- same subscriber and product starts, at the trial's start or later and before the subscriber's next trial of the product.
--   New:           the trial starts on the day.
--   Total current: the trial has started by the day's end and ends at it or later, or is open.
--   Converted:     the paid agreement starts on the day: at the trial's end, before it, or after it.
--   Non-converted: the trial ends on the day and no paid agreement has started by the day's end.
with
details as (
    select
        *,
        coalesce(subscriber_aws_account_id, customer_id) as subscriber,
        coalesce(product_id, product_title) as product
    from known_agreement_detail
),
trials as (
    select
        agreement_id,
        subscriber,
        product,
        product_id,
        product_title,
        product_code,
        agreement_start_date as trial_start,
        agreement_end_date as trial_end,
        lead(agreement_start_date) over (partition by subscriber, product order by agreement_start_date, agreement_id) as next_trial_start
    from details
    where is_free_trial_offer
),
paid as (
    select subscriber, product, agreement_start_date as paid_start
    from details
    where not is_free_trial_offer
),
conversions as (
    select t.agreement_id, t.product, min(p.paid_start) as converted_at
    from trials as t
    inner join paid as p
        on t.subscriber = p.subscriber
        and t.product = p.product
        and p.paid_start >= t.trial_start
        and (t.next_trial_start is null or p.paid_start < t.next_trial_start)
    group by t.agreement_id, t.product
),
outcomes as (
    select t.*, c.converted_at
    from trials as t
    left join conversions as c
        on t.agreement_id = c.agreement_id and t.product = c.product
),
counted as (
    select
        product_id,
        product_title,
        product_code,
        count(*) filter (where trial_start >= $interval_start and trial_start < $interval_end) as new_free_trials,
        count(*) filter (where trial_start < $interval_end and (trial_end is null or trial_end >= $interval_end)) as total_current_free_trials,
        count(*) filter (where converted_at >= $interval_start and converted_at < $interval_end) as converted_free_trials,
        count(*) filter (
            where trial_end >= $interval_start and trial_end < $interval_end
                and (converted_at is null or converted_at >= $interval_end)
        ) as non_converted_free_trials
    from outcomes
    group by product_id, product_title, product_code
),
final as (
    select
        product_title,
        product_code,
        new_free_trials,
        total_current_free_trials,
        converted_free_trials,
        non_converted_free_trials,
        cast(null as text) as solution_title, -- R39
        cast(null as text) as solution_id, -- R39
        product_id
    from counted
    where new_free_trials > 0 or total_current_free_trials > 0 or converted_free_trials > 0 or non_converted_free_trials > 0
)
select * from final
