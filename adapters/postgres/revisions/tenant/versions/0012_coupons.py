"""Coupons, and customers that have redeemed them."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Plain SQL. The database allows a customer each coupon once."""
    op.execute("""
    CREATE TABLE billing_coupon (
        code     text COLLATE "C" PRIMARY KEY,
        revision int NOT NULL,
        document jsonb NOT NULL
    );
    CREATE TABLE billing_coupon_redemption (
        id          text COLLATE "C" PRIMARY KEY,
        coupon      text COLLATE "C" NOT NULL REFERENCES billing_coupon (code),
        customer_id text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        ended_at    timestamptz,
        document    jsonb NOT NULL,
        UNIQUE (customer_id, coupon)
    );
    CREATE INDEX billing_coupon_redemption_of ON billing_coupon_redemption (coupon);
    ALTER TABLE billing_line ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0;
    """)
