"""Evidence of controls, and the rounds that it is collected in."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Plain SQL. `scope` is a tenant's id, or 'platform'."""
    op.execute("""
    CREATE TABLE security_evidence_collection (
        id            text COLLATE "C" PRIMARY KEY,
        tenant_id     text COLLATE "C" REFERENCES security_tenant (id),
        scopes        int NOT NULL,
        done          int NOT NULL,
        evidence      int NOT NULL,
        not_satisfied int NOT NULL,
        started_at    timestamptz NOT NULL,
        completed_at  timestamptz
    );
    CREATE TABLE security_evidence_visit (
        collection_id text COLLATE "C" NOT NULL REFERENCES security_evidence_collection (id) ON DELETE CASCADE,
        scope         text COLLATE "C" NOT NULL,
        visited_at    timestamptz,
        PRIMARY KEY (collection_id, scope)
    );
    CREATE TABLE security_evidence (
        id            text COLLATE "C" PRIMARY KEY,
        tenant_id     text COLLATE "C" REFERENCES security_tenant (id),
        control_id    text NOT NULL,
        collection_id text COLLATE "C" REFERENCES security_evidence_collection (id),
        state         text NOT NULL,
        summary       text NOT NULL,
        facts         jsonb NOT NULL,
        attested_by   text,
        reference     text,
        collected_at  timestamptz NOT NULL,
        fresh_until   timestamptz NOT NULL
    );
    CREATE INDEX security_evidence_newest ON security_evidence (coalesce(tenant_id, 'platform'), control_id, id DESC);
    CREATE INDEX security_evidence_of_tenant ON security_evidence (tenant_id, id);
    CREATE UNIQUE INDEX security_evidence_once
        ON security_evidence (collection_id, coalesce(tenant_id, 'platform'), control_id)
        WHERE collection_id IS NOT NULL;
    GRANT SELECT, INSERT, UPDATE, DELETE
        ON security_evidence, security_evidence_collection, security_evidence_visit TO harborgrid_app;
    """)
