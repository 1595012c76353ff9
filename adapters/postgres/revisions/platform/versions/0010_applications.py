"""Service accounts, applications, what they were granted, their codes and tokens, and the keys that sign tokens."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_service_account (
        id          text COLLATE "C" PRIMARY KEY,
        tenant_id   text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        name        text NOT NULL,
        role        text NOT NULL,
        created_at  timestamptz NOT NULL,
        disabled_at timestamptz
    );
    CREATE INDEX security_service_account_of_tenant ON security_service_account (tenant_id, id);

    CREATE TABLE security_application (
        id                 text COLLATE "C" PRIMARY KEY,
        tenant_id          text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        name               text NOT NULL,
        grant_types        text[] NOT NULL,
        redirect_uris      text[] NOT NULL,
        scopes             text[] NOT NULL,
        authentication     text NOT NULL,
        jwks               jsonb,
        service_account_id text COLLATE "C" REFERENCES security_service_account (id),
        id_token_algorithm text NOT NULL,
        created_at         timestamptz NOT NULL,
        disabled_at        timestamptz
    );
    CREATE INDEX security_application_of_tenant ON security_application (tenant_id, id);
    CREATE TABLE security_client_secret (
        id          text COLLATE "C" PRIMARY KEY,
        client_id   text COLLATE "C" NOT NULL REFERENCES security_application (id),
        secret_hash bytea NOT NULL,
        created_at  timestamptz NOT NULL,
        expires_at  timestamptz
    );
    CREATE INDEX security_client_secret_of_client ON security_client_secret (client_id);
    CREATE TABLE security_client_assertion (
        client_id  text COLLATE "C" NOT NULL REFERENCES security_application (id),
        jti        text COLLATE "C" NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (client_id, jti)
    );
    CREATE INDEX security_client_assertion_by_end ON security_client_assertion (expires_at);

    CREATE TABLE security_grant (
        id                 text COLLATE "C" PRIMARY KEY,
        tenant_id          text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        client_id          text COLLATE "C" NOT NULL REFERENCES security_application (id),
        user_id            text COLLATE "C" REFERENCES security_user (id) ON DELETE CASCADE,
        service_account_id text COLLATE "C" REFERENCES security_service_account (id),
        scopes             text[] NOT NULL,
        factors            text[] NOT NULL,
        proved_at          timestamptz,
        nonce              text,
        created_at         timestamptz NOT NULL,
        expires_at         timestamptz NOT NULL,
        revoked_at         timestamptz,
        revoke_reason      text,
        CHECK ((user_id IS NULL) <> (service_account_id IS NULL))
    );
    CREATE INDEX security_grant_of_user ON security_grant (user_id, id) WHERE user_id IS NOT NULL;
    CREATE INDEX security_grant_of_client ON security_grant (client_id, expires_at);
    CREATE INDEX security_grant_of_service_account ON security_grant (service_account_id, expires_at)
        WHERE service_account_id IS NOT NULL;
    CREATE INDEX security_grant_of_tenant ON security_grant (tenant_id, id);
    CREATE INDEX security_grant_by_end ON security_grant (expires_at);

    CREATE TABLE security_authorization_code (
        id             text COLLATE "C" PRIMARY KEY,
        grant_id       text COLLATE "C" NOT NULL REFERENCES security_grant (id) ON DELETE CASCADE,
        secret_hash    bytea NOT NULL,
        redirect_uri   text NOT NULL,
        code_challenge text NOT NULL,
        created_at     timestamptz NOT NULL,
        expires_at     timestamptz NOT NULL,
        used_at        timestamptz
    );
    CREATE INDEX security_authorization_code_of_grant ON security_authorization_code (grant_id);
    CREATE TABLE security_refresh_token (
        id          text COLLATE "C" PRIMARY KEY,
        grant_id    text COLLATE "C" NOT NULL REFERENCES security_grant (id) ON DELETE CASCADE,
        secret_hash bytea NOT NULL,
        created_at  timestamptz NOT NULL,
        expires_at  timestamptz NOT NULL,
        used_at     timestamptz
    );
    CREATE INDEX security_refresh_token_of_grant ON security_refresh_token (grant_id);
    CREATE TABLE security_device_authorization (
        id               text COLLATE "C" PRIMARY KEY,
        client_id        text COLLATE "C" NOT NULL REFERENCES security_application (id),
        secret_hash      bytea NOT NULL,
        user_code        text NOT NULL,
        scopes           text[] NOT NULL,
        created_at       timestamptz NOT NULL,
        expires_at       timestamptz NOT NULL,
        interval_seconds int NOT NULL,
        polled_at        timestamptz,
        denied_at        timestamptz,
        grant_id         text COLLATE "C" REFERENCES security_grant (id) ON DELETE SET NULL,
        used_at          timestamptz
    );
    CREATE INDEX security_device_authorization_by_code ON security_device_authorization (user_code);
    CREATE INDEX security_device_authorization_by_end ON security_device_authorization (expires_at);
    CREATE INDEX security_device_authorization_of_grant ON security_device_authorization (grant_id);

    CREATE TABLE security_signing_key (
        id         text COLLATE "C" PRIMARY KEY,
        algorithm  text NOT NULL,
        public     jsonb NOT NULL,
        sealed     bytea NOT NULL,
        created_at timestamptz NOT NULL,
        signs_from timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_service_account, security_application, security_client_secret,
        security_client_assertion, security_grant, security_authorization_code, security_refresh_token,
        security_device_authorization, security_signing_key TO harborgrid_app;

    CREATE TRIGGER security_service_account_changed AFTER UPDATE OF role, disabled_at OR DELETE
        ON security_service_account FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    CREATE TRIGGER security_application_changed AFTER UPDATE OF disabled_at OR DELETE
        ON security_application FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    CREATE TRIGGER security_grant_revoked AFTER UPDATE OF revoked_at OR DELETE
        ON security_grant FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    CREATE FUNCTION tell_of_new_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_access', NEW.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER security_signing_key_made AFTER INSERT ON security_signing_key
        FOR EACH ROW EXECUTE FUNCTION tell_of_new_key();
    CREATE TRIGGER security_signing_key_changed AFTER UPDATE OF signs_from, expires_at, revoked_at OR DELETE
        ON security_signing_key FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
