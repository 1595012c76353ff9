"""Authenticator apps, recovery codes, and when a session's holder last proved who they are."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_totp (
        user_id      text COLLATE "C" PRIMARY KEY REFERENCES security_user (id) ON DELETE CASCADE,
        sealed       bytea NOT NULL,
        created_at   timestamptz NOT NULL,
        confirmed_at timestamptz,
        last_step    bigint NOT NULL
    );
    CREATE TABLE security_recovery_code (
        user_id   text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        code_hash bytea NOT NULL,
        used_at   timestamptz,
        PRIMARY KEY (user_id, code_hash)
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_totp, security_recovery_code TO harborgrid_app;

    ALTER TABLE security_session ADD COLUMN proved_at timestamptz;
    UPDATE security_session SET proved_at = created_at;
    DROP TRIGGER security_session_ended ON security_session;
    CREATE TRIGGER security_session_changed AFTER UPDATE OF ended_at, factors, proved_at OR DELETE ON security_session
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
