"""Processes that remember API keys are told at the commit that changes one."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE FUNCTION tell_of_changed_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_keys', OLD.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER security_api_key_changed AFTER UPDATE OF status, expires_at, scopes OR DELETE ON security_api_key
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
