"""Erasures of what removed tenants left behind."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_erasure (
        id             text COLLATE "C" PRIMARY KEY,
        tenant_id      text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        reason         text NOT NULL,
        status         text NOT NULL,
        requested_at   timestamptz NOT NULL,
        erase_at       timestamptz NOT NULL,
        closed_at      timestamptz,
        keys_destroyed int NOT NULL
    );
    CREATE UNIQUE INDEX security_erasure_of_tenant ON security_erasure (tenant_id) WHERE status <> 'cancelled';
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_erasure TO harborgrid_app;
    """)
