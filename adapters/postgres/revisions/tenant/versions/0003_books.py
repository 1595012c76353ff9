"""What a tenant sells, what it counts, and to whom."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE billing_plan (
        code           text COLLATE "C" NOT NULL,
        version        int NOT NULL CHECK (version > 0),
        is_add_on      boolean NOT NULL,
        effective_from timestamptz NOT NULL,
        terms          jsonb NOT NULL,
        created_at     timestamptz NOT NULL,
        PRIMARY KEY (code, version)
    );
    CREATE TABLE billing_meter (
        code        text COLLATE "C" PRIMARY KEY,
        name        text NOT NULL,
        event_type  text COLLATE "C" NOT NULL,
        aggregation text NOT NULL,
        property    text,
        unit        text NOT NULL,
        created_at  timestamptz NOT NULL
    );
    CREATE TABLE billing_customer (
        id          text COLLATE "C" PRIMARY KEY,
        external_id text COLLATE "C" UNIQUE,
        name        text NOT NULL,
        email       text NOT NULL,
        currency    text NOT NULL,
        timezone    text NOT NULL,
        revision    int NOT NULL,
        created_at  timestamptz NOT NULL,
        updated_at  timestamptz NOT NULL
    );
    CREATE INDEX billing_customer_address ON billing_customer (lower(email));
    """)
