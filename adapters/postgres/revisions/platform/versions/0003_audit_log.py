"""Audit records get a place in their tenant's log, and logs get checkpoints."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE security_audit
        ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY;
    CREATE UNIQUE INDEX security_audit_position ON security_audit (xid, n);

    -- `log` is a tenant's id, or 'platform'. Hashes are SHA-256.
    CREATE TABLE security_audit_leaf (
        log       text COLLATE "C" NOT NULL,
        index     bigint NOT NULL,
        record_id text COLLATE "C" NOT NULL UNIQUE,
        leaf      bytea NOT NULL,
        chain     bytea NOT NULL,
        PRIMARY KEY (log, index)
    );
    CREATE TABLE security_audit_subtree (
        log text COLLATE "C" NOT NULL, index bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (log, index)
    );
    CREATE TABLE security_audit_checkpoint (
        log text COLLATE "C" NOT NULL, size bigint NOT NULL, at timestamptz NOT NULL, note text NOT NULL,
        PRIMARY KEY (log, size)
    );
    """)
    for table in ("security_audit_leaf", "security_audit_subtree", "security_audit_checkpoint"):
        op.execute(f"""
        CREATE TRIGGER {table}_is_fact BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        GRANT SELECT, INSERT ON {table} TO harborgrid_app;
        GRANT SELECT ON {table} TO harborgrid_tenant;
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY platform ON {table} TO harborgrid_app USING (true) WITH CHECK (true);
        CREATE POLICY own_rows ON {table} TO harborgrid_tenant USING (current_user = 'hg_' || log);
        """)
