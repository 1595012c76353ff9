"""Identity providers, who is who there, and who is on their way."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_identity_provider (
        id            text COLLATE "C" PRIMARY KEY,
        tenant_id     text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        name          text NOT NULL,
        issuer        text NOT NULL,
        client_id     text NOT NULL,
        sealed        bytea NOT NULL,
        redirect_uris text[] NOT NULL,
        join_as       text,
        domains       text[] NOT NULL,
        created_at    timestamptz NOT NULL,
        disabled_at   timestamptz
    );
    CREATE INDEX security_identity_provider_of_tenant ON security_identity_provider (tenant_id, id);
    CREATE TABLE security_linked_identity (
        provider_id text COLLATE "C" NOT NULL REFERENCES security_identity_provider (id),
        subject     text COLLATE "C" NOT NULL,
        user_id     text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        linked_at   timestamptz NOT NULL,
        PRIMARY KEY (provider_id, subject)
    );
    CREATE INDEX security_linked_identity_of_user ON security_linked_identity (user_id);
    CREATE TABLE security_provider_sign_in (
        id            text COLLATE "C" PRIMARY KEY,
        provider_id   text COLLATE "C" NOT NULL REFERENCES security_identity_provider (id),
        secret_hash   bytea NOT NULL,
        redirect_uri  text NOT NULL,
        nonce         text NOT NULL,
        code_verifier text NOT NULL,
        created_at    timestamptz NOT NULL,
        expires_at    timestamptz NOT NULL
    );
    CREATE INDEX security_provider_sign_in_by_end ON security_provider_sign_in (expires_at);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_identity_provider, security_linked_identity,
        security_provider_sign_in TO harborgrid_app;
    """)
