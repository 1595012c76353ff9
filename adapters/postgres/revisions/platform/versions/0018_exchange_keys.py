"""Keys that outsiders encrypt for tenants with."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_exchange_key (
        id         text COLLATE "C" PRIMARY KEY,
        tenant_id  text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        name       text NOT NULL,
        public     jsonb NOT NULL,
        sealed     bytea,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
    );
    CREATE INDEX security_exchange_key_of_tenant ON security_exchange_key (tenant_id, id);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_exchange_key TO harborgrid_app;
    """)
