"""What customers' systems report, and the periods that were charged for it."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Plain SQL.

    An event is its own claim: (source, id) is written with what it says, or not at all. `late` has what was reported or
    voided more than an hour after its time, so that periods which have closed are looked at again only if they must.
    """
    op.execute("""
    CREATE TABLE billing_usage (
        source      text COLLATE "C" NOT NULL,
        id          text COLLATE "C" NOT NULL,
        type        text COLLATE "C" NOT NULL,
        subject     text COLLATE "C" NOT NULL,
        at          timestamptz NOT NULL,
        timed       boolean NOT NULL,
        data        jsonb NOT NULL,
        received_at timestamptz NOT NULL,
        voided_at   timestamptz,
        void_reason text,
        PRIMARY KEY (source, id)
    );
    CREATE INDEX billing_usage_counted ON billing_usage (subject, type, at);
    CREATE INDEX billing_usage_late ON billing_usage (subject, coalesce(voided_at, received_at))
        WHERE coalesce(voided_at, received_at) - at > '1 hour'::interval;
    CREATE TABLE billing_closed_period (
        subscription_id text COLLATE "C" NOT NULL REFERENCES billing_subscription (id),
        revision        int NOT NULL,
        period_start    timestamptz NOT NULL,
        period_end      timestamptz NOT NULL,
        looked_at       timestamptz NOT NULL,
        document        jsonb NOT NULL,
        PRIMARY KEY (subscription_id, revision)
    );
    """)
