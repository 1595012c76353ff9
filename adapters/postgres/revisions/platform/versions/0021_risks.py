"""The risk register, and the scans of our dependencies that feed it."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_risk (
        id                  text COLLATE "C" PRIMARY KEY,
        tenant_id           text COLLATE "C" REFERENCES security_tenant (id),
        title               text NOT NULL,
        description         text NOT NULL,
        source              text NOT NULL,
        reference           text,
        cvss                text,
        score               float8,
        likelihood          int NOT NULL CHECK (likelihood BETWEEN 1 AND 5),
        impact              int NOT NULL CHECK (impact BETWEEN 1 AND 5),
        status              text NOT NULL,
        treatment           text,
        plan                text NOT NULL,
        assignee            text NOT NULL,
        residual_likelihood int,
        residual_impact     int,
        proposed_by         text,
        approved_by         text,
        due_at              timestamptz NOT NULL,
        overdue_at          timestamptz,
        identified_at       timestamptz NOT NULL,
        closed_at           timestamptz,
        outcome             text
    );
    CREATE INDEX security_risk_of_tenant ON security_risk (tenant_id, id);
    CREATE UNIQUE INDEX security_risk_scanned ON security_risk (reference)
        WHERE source = 'vulnerability' AND status <> 'closed';
    CREATE TABLE security_dependency_scan (
        id                 text COLLATE "C" PRIMARY KEY,
        at                 timestamptz NOT NULL,
        components         int NOT NULL,
        advisories         int NOT NULL,
        advisories_from    text NOT NULL,
        newest_advisory_at timestamptz,
        vulnerabilities    jsonb NOT NULL
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_risk, security_dependency_scan TO harborgrid_app;
    """)
