"""Being more than one is, for a while."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE security_membership ADD COLUMN break_glass boolean NOT NULL DEFAULT false;
    CREATE TABLE security_elevation (
        id           text COLLATE "C" PRIMARY KEY,
        tenant_id    text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        user_id      text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        role         text NOT NULL,
        reason       text NOT NULL,
        minutes      int NOT NULL,
        break_glass  boolean NOT NULL,
        status       text NOT NULL,
        requested_at timestamptz NOT NULL,
        decide_by    timestamptz NOT NULL,
        decided_by   text COLLATE "C",
        decided_at   timestamptz,
        expires_at   timestamptz,
        ended_at     timestamptz,
        reviewed_by  text COLLATE "C",
        reviewed_at  timestamptz,
        review_note  text
    );
    CREATE INDEX security_elevation_of_tenant ON security_elevation (tenant_id, id);
    CREATE INDEX security_elevation_open ON security_elevation (user_id, tenant_id)
        WHERE status IN ('requested', 'active');
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_elevation TO harborgrid_app;
    CREATE FUNCTION tell_of_elevation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_access', NEW.user_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER security_elevation_changed AFTER INSERT OR UPDATE ON security_elevation
        FOR EACH ROW EXECUTE FUNCTION tell_of_elevation();
    """)
