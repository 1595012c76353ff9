"""Revenue reports, and an index for the lines that they are made of."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE billing_revenue_report (
        id       text COLLATE "C" PRIMARY KEY,
        status   text NOT NULL,
        document jsonb NOT NULL,
        charts   jsonb NOT NULL
    );
    CREATE INDEX billing_line_recurring ON billing_line (period_start, period_end) WHERE kind = 'recurring';
    """)
