"""What customers may do: what usage calls them, which meters are watched, and thresholds that were told."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Plain SQL. A threshold is told once in a period, which the database sees to."""
    op.execute("""
    ALTER TABLE billing_customer ADD COLUMN usage_subjects text[] NOT NULL DEFAULT '{}';
    CREATE INDEX billing_customer_usage_subject ON billing_customer USING gin (usage_subjects);
    ALTER TABLE billing_meter ADD COLUMN watched boolean NOT NULL DEFAULT false;
    CREATE TABLE billing_usage_threshold (
        subscription_id text COLLATE "C" NOT NULL REFERENCES billing_subscription (id),
        feature         text COLLATE "C" NOT NULL,
        period_start    timestamptz NOT NULL,
        percent         int NOT NULL,
        crossed_at      timestamptz NOT NULL,
        PRIMARY KEY (subscription_id, feature, period_start, percent)
    );
    """)
