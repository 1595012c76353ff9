"""Webhooks out: endpoints, what is queued for them, and every attempt."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Plain SQL. An endpoint has each event once, which the database sees to."""
    op.execute("""
    CREATE TABLE billing_webhook_endpoint (
        id         text COLLATE "C" PRIMARY KEY,
        removed_at timestamptz,
        document   jsonb NOT NULL
    );
    CREATE TABLE billing_webhook_delivery (
        id           text COLLATE "C" PRIMARY KEY,
        endpoint_id  text COLLATE "C" NOT NULL REFERENCES billing_webhook_endpoint (id),
        event_id     text COLLATE "C" NOT NULL,
        type         text NOT NULL,
        status       text NOT NULL,
        attempts     int NOT NULL,
        next_at      timestamptz,
        created_at   timestamptz NOT NULL,
        delivered_at timestamptz,
        UNIQUE (endpoint_id, event_id)
    );
    CREATE INDEX billing_webhook_delivery_due ON billing_webhook_delivery (endpoint_id, next_at)
        WHERE status = 'pending';
    CREATE TABLE billing_webhook_attempt (
        delivery_id text COLLATE "C" NOT NULL REFERENCES billing_webhook_delivery (id),
        number      bigint GENERATED ALWAYS AS IDENTITY,
        at          timestamptz NOT NULL,
        status      int,
        duration_ms int NOT NULL,
        error       text,
        answer      text NOT NULL,
        PRIMARY KEY (delivery_id, number)
    );
    """)
