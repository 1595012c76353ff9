"""What the platform sells to tenants is called so: the plain names are for what tenants sell to their customers."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE billing_plan RENAME TO billing_platform_plan;
    ALTER TABLE billing_subscription RENAME TO billing_platform_subscription;
    ALTER INDEX billing_subscription_active RENAME TO billing_platform_subscription_active;
    ALTER TRIGGER billing_subscription_changed ON billing_platform_subscription
        RENAME TO billing_platform_subscription_changed;
    """)
