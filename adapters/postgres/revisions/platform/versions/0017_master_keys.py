"""Which master key wraps what, and bringing everything under another key."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE security_data_key ADD COLUMN master_key_id text, ADD COLUMN emptied_at timestamptz;
    CREATE TABLE security_root_secret (
        id            int PRIMARY KEY CHECK (id = 1),
        master_key_id text NOT NULL,
        wrapped       bytea NOT NULL
    );
    CREATE TABLE security_reencryption (
        id           text COLLATE "C" PRIMARY KEY,
        tenant_id    text COLLATE "C" REFERENCES security_tenant (id),
        scope        text NOT NULL,
        key_id       text NOT NULL,
        requested_at timestamptz NOT NULL,
        completed_at timestamptz,
        done         int NOT NULL,
        total        int NOT NULL
    );
    CREATE UNIQUE INDEX security_reencryption_under_way ON security_reencryption (coalesce(tenant_id, ''), scope)
        WHERE completed_at IS NULL;
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_root_secret, security_reencryption TO harborgrid_app;
    """)
