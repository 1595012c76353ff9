"""What is sold: products, items, and invoices for them alone; taxes by category."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE billing_product (
        code     text COLLATE "C" PRIMARY KEY,
        revision int NOT NULL,
        document jsonb NOT NULL
    );
    CREATE TABLE billing_item (
        code     text COLLATE "C" PRIMARY KEY,
        revision int NOT NULL,
        document jsonb NOT NULL
    );
    ALTER TABLE billing_line
        ALTER COLUMN subscription_id DROP NOT NULL,
        ALTER COLUMN plan_code DROP NOT NULL,
        ALTER COLUMN plan_version DROP NOT NULL,
        ADD COLUMN tax_category text NOT NULL DEFAULT 'standard';
    ALTER TABLE billing_invoice ALTER COLUMN subscription_id DROP NOT NULL;
    """)
