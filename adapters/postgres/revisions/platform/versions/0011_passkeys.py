"""Passkeys, and the challenges that devices sign."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_passkey (
        id            text COLLATE "C" PRIMARY KEY,
        user_id       text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        name          text NOT NULL,
        credential_id bytea NOT NULL UNIQUE,
        public_key    bytea NOT NULL,
        sign_count    bigint NOT NULL,
        synced        boolean NOT NULL,
        created_at    timestamptz NOT NULL,
        last_used_at  timestamptz
    );
    CREATE INDEX security_passkey_of_user ON security_passkey (user_id, id);
    CREATE TABLE security_passkey_challenge (
        id         text COLLATE "C" PRIMARY KEY,
        user_id    text COLLATE "C" REFERENCES security_user (id) ON DELETE CASCADE,
        challenge  bytea NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    );
    CREATE INDEX security_passkey_challenge_by_end ON security_passkey_challenge (expires_at);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_passkey, security_passkey_challenge TO harborgrid_app;
    """)
