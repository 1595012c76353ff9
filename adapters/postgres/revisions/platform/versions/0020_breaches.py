"""Personal data breaches and their clocks."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_breach (
        id               text COLLATE "C" PRIMARY KEY,
        tenant_id        text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        title            text NOT NULL,
        nature           text NOT NULL,
        categories       text[] NOT NULL,
        subjects         int,
        consequences     text NOT NULL,
        measures         text NOT NULL,
        risk             text NOT NULL,
        aware_at         timestamptz NOT NULL,
        due_at           timestamptz NOT NULL,
        reported_at      timestamptz NOT NULL,
        authority        text,
        reference        text,
        notified_at      timestamptz,
        delay_reason     text,
        subjects_told_at timestamptz,
        missed_at        timestamptz,
        closed_at        timestamptz
    );
    CREATE INDEX security_breach_of_tenant ON security_breach (tenant_id, id);
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_breach TO harborgrid_app;
    """)
