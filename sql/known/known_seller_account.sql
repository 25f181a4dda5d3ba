-- One row per account id of the seller itself, opaque or as a number.
with
accounts as (
    select account_id from known_account where aws_account_id = $seller_account
    union
    select $seller_account as account_id
)
select account_id
from accounts
