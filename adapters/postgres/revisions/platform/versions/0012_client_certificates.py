"""Certificates that service accounts come with."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_client_certificate (
        id                 text COLLATE "C" PRIMARY KEY,
        tenant_id          text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        service_account_id text COLLATE "C" NOT NULL REFERENCES security_service_account (id),
        thumbprint         bytea NOT NULL,
        subject            text NOT NULL,
        issuer             text NOT NULL,
        serial             text NOT NULL,
        not_before         timestamptz NOT NULL,
        not_after          timestamptz NOT NULL,
        created_at         timestamptz NOT NULL,
        revoked_at         timestamptz
    );
    CREATE UNIQUE INDEX security_client_certificate_known ON security_client_certificate (thumbprint)
        WHERE revoked_at IS NULL;
    CREATE INDEX security_client_certificate_of_account ON security_client_certificate (service_account_id, id);
    CREATE INDEX security_client_certificate_of_tenant ON security_client_certificate (tenant_id, id);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_client_certificate TO harborgrid_app;
    CREATE TRIGGER security_client_certificate_revoked AFTER UPDATE OF revoked_at OR DELETE
        ON security_client_certificate FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
