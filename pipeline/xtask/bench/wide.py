"""The columns of the wide usage file, as every engine is told of them. Only the amounts and the dates are not text."""

COLUMNS = {
    "usage_date": "DATE",
    "reported_at": "TIMESTAMP",
    "channel": "VARCHAR",
    "product_id": "VARCHAR",
    "product_title": "VARCHAR",
    "customer_id": "VARCHAR",
    "country": "VARCHAR",
    "currency": "VARCHAR",
    "offer_id": "VARCHAR",
    "instance_type": "VARCHAR",
    "region": "VARCHAR",
    "units": "DECIMAL(18,4)",
    "unit_price": "DECIMAL(18,6)",
    "gross_amount": "DECIMAL(18,4)",
    "monetization_type": "VARCHAR",
    "ref_tag": "VARCHAR",
    "transaction_id": "VARCHAR",
}
