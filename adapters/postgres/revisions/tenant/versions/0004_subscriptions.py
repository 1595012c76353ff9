"""Customers' subscriptions, their history, and what they were charged."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Plain SQL. A line's key is what it is for: no subscription is charged twice for it."""
    op.execute("""
    CREATE TABLE billing_subscription (
        id          text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        status      text NOT NULL,
        plan_code   text COLLATE "C" NOT NULL,
        next_step   text,
        next_at     timestamptz,
        revision    int NOT NULL,
        document    jsonb NOT NULL
    );
    CREATE INDEX billing_subscription_of_customer ON billing_subscription (customer_id, id DESC);
    CREATE INDEX billing_subscription_next ON billing_subscription (next_at) WHERE next_at IS NOT NULL;
    CREATE TABLE billing_subscription_revision (
        subscription_id text COLLATE "C" NOT NULL REFERENCES billing_subscription (id),
        revision        int NOT NULL,
        change          text NOT NULL,
        at              timestamptz NOT NULL,
        status          text NOT NULL,
        items           jsonb NOT NULL,
        actor           text NOT NULL,
        PRIMARY KEY (subscription_id, revision)
    );
    CREATE TABLE billing_line (
        id              text COLLATE "C" PRIMARY KEY,
        subscription_id text COLLATE "C" NOT NULL REFERENCES billing_subscription (id),
        customer_id     text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        key             text COLLATE "C" NOT NULL,
        kind            text NOT NULL,
        plan_code       text COLLATE "C" NOT NULL,
        plan_version    int NOT NULL,
        charge_code     text COLLATE "C" NOT NULL,
        name            text NOT NULL,
        period_start    timestamptz NOT NULL,
        period_end      timestamptz NOT NULL,
        quantity        numeric NOT NULL,
        currency        text NOT NULL,
        price_minor     bigint NOT NULL,
        share           text NOT NULL,
        amount_minor    bigint NOT NULL,
        steps           jsonb NOT NULL,
        grouped_by      jsonb NOT NULL,
        occurred_at     timestamptz NOT NULL,
        UNIQUE (subscription_id, key),
        CHECK (period_start <= period_end)
    );
    CREATE INDEX billing_line_of_subscription ON billing_line (subscription_id, id DESC);
    """)
