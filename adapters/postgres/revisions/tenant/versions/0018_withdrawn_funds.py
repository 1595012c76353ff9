"""What disputes have taken back of a payment."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE billing_payment
        ADD COLUMN withdrawn_minor bigint NOT NULL DEFAULT 0 CHECK (withdrawn_minor >= 0);
    """)
