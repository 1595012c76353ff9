"""Tenants' accounts at payment providers."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Plain SQL. Sealed under the tenant's data key: what we are at the provider, and what it signs webhooks with."""
    op.execute("""
    CREATE TABLE billing_payment_account (
        id           text COLLATE "C" PRIMARY KEY,
        tenant_id    text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        provider     text NOT NULL,
        reference    text NOT NULL,
        sealed       bytea NOT NULL,
        connected_at timestamptz NOT NULL,
        revision     int NOT NULL,
        UNIQUE (tenant_id, provider)
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON billing_payment_account TO harborgrid_app;
    """)
