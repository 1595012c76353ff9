"""People and their memberships, passwords, sessions, failed sign-ins, invitations and links to set a password."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_user (
        id          text COLLATE "C" PRIMARY KEY,
        name        text NOT NULL,
        email       text NOT NULL,
        address_key text COLLATE "C" NOT NULL UNIQUE,
        created_at  timestamptz NOT NULL
    );
    CREATE TABLE security_membership (
        tenant_id text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        user_id   text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        role      text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
        joined_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    );
    CREATE INDEX security_membership_user ON security_membership (user_id);
    CREATE TABLE security_password (
        user_id    text COLLATE "C" PRIMARY KEY REFERENCES security_user (id) ON DELETE CASCADE,
        hash       text NOT NULL,
        changed_at timestamptz NOT NULL
    );
    CREATE TABLE security_session (
        id             text COLLATE "C" PRIMARY KEY,
        user_id        text COLLATE "C" NOT NULL REFERENCES security_user (id) ON DELETE CASCADE,
        tenant_id      text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        secret_hash    bytea NOT NULL,
        factors        text[] NOT NULL,
        client_network text NOT NULL,
        user_agent     text NOT NULL,
        created_at     timestamptz NOT NULL,
        last_seen_at   timestamptz NOT NULL,
        expires_at     timestamptz NOT NULL,
        ended_at       timestamptz,
        end_reason     text
    );
    CREATE INDEX security_session_user ON security_session (user_id, client_network, created_at);
    CREATE INDEX security_session_tenant ON security_session (tenant_id, id);
    CREATE TABLE security_sign_in_try (
        account  text COLLATE "C" NOT NULL,
        network  text COLLATE "C" NOT NULL,
        failures int NOT NULL,
        last_at  timestamptz NOT NULL,
        retry_at timestamptz NOT NULL,
        PRIMARY KEY (account, network)
    );
    CREATE INDEX security_sign_in_try_age ON security_sign_in_try (last_at);
    CREATE TABLE security_invitation (
        id          text COLLATE "C" PRIMARY KEY,
        tenant_id   text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        email       text NOT NULL,
        address_key text COLLATE "C" NOT NULL,
        role        text NOT NULL,
        status      text NOT NULL CHECK (status IN ('open', 'accepted', 'revoked', 'expired')),
        invited_by  text NOT NULL,
        created_at  timestamptz NOT NULL,
        expires_at  timestamptz NOT NULL,
        closed_at   timestamptz
    );
    CREATE INDEX security_invitation_tenant ON security_invitation (tenant_id, id);
    CREATE INDEX security_invitation_open ON security_invitation (tenant_id, address_key) WHERE status = 'open';
    CREATE TABLE security_password_reset (
        id         text COLLATE "C" PRIMARY KEY,
        user_id    text COLLATE "C" REFERENCES security_user (id) ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at    timestamptz
    );
    CREATE INDEX security_password_reset_user ON security_password_reset (user_id, created_at);
    CREATE INDEX security_password_reset_age ON security_password_reset (created_at);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_user, security_membership, security_password, security_session,
        security_sign_in_try, security_invitation, security_password_reset TO harborgrid_app;

    CREATE FUNCTION tell_of_changed_person() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_access', OLD.user_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER security_membership_changed AFTER UPDATE OR DELETE ON security_membership
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_person();
    CREATE TRIGGER security_session_ended AFTER UPDATE OF ended_at OR DELETE ON security_session
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
