"""A time of their own for customers that something is to be tried with."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE billing_test_clock (
        id         text COLLATE "C" PRIMARY KEY,
        name       text NOT NULL,
        now        timestamptz NOT NULL,
        set_at     timestamptz NOT NULL,
        target     timestamptz,
        created_at timestamptz NOT NULL
    );
    ALTER TABLE billing_customer ADD COLUMN test_clock_id text COLLATE "C" REFERENCES billing_test_clock (id);
    CREATE INDEX billing_customer_of_clock ON billing_customer (test_clock_id) WHERE test_clock_id IS NOT NULL;
    """)
