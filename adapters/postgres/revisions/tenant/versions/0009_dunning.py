"""What is done about invoices that could not be collected."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Plain SQL. A case has its invoice's id: there is one at most."""
    op.execute("""
    CREATE TABLE billing_dunning_policy (
        one      boolean PRIMARY KEY DEFAULT true CHECK (one),
        revision int NOT NULL,
        document jsonb NOT NULL
    );
    CREATE TABLE billing_dunning_case (
        id          text COLLATE "C" PRIMARY KEY REFERENCES billing_invoice (id),
        customer_id text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        status      text NOT NULL,
        document    jsonb NOT NULL
    );
    CREATE INDEX billing_dunning_case_of_customer ON billing_dunning_case (customer_id, id DESC);
    """)
