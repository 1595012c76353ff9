"""How customers pay, and every attempt to collect."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Plain SQL. The database allows an invoice one payment by which money may still move."""
    op.execute("""
    CREATE TABLE billing_payment_method (
        id                text COLLATE "C" PRIMARY KEY,
        customer_id       text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        provider          text NOT NULL,
        token             text NOT NULL,
        account_reference text NOT NULL,
        method            text NOT NULL,
        label             text NOT NULL,
        expires           text,
        is_default        boolean NOT NULL,
        created_at        timestamptz NOT NULL,
        removed_at        timestamptz
    );
    CREATE INDEX billing_payment_method_of_customer ON billing_payment_method (customer_id, id DESC);
    CREATE UNIQUE INDEX billing_payment_method_default ON billing_payment_method (customer_id) WHERE is_default;
    CREATE TABLE billing_payment (
        id             text COLLATE "C" PRIMARY KEY,
        invoice_id     text COLLATE "C" NOT NULL REFERENCES billing_invoice (id),
        customer_id    text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        method_id      text COLLATE "C" NOT NULL REFERENCES billing_payment_method (id),
        provider       text NOT NULL,
        method         text NOT NULL,
        currency       text NOT NULL,
        amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
        refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND amount_minor),
        attempt        int NOT NULL,
        status         text NOT NULL,
        reference      text COLLATE "C",
        decline        text,
        decline_code   text,
        message        text,
        action_url     text,
        disputed       boolean NOT NULL,
        canceling      boolean NOT NULL,
        checks         int NOT NULL,
        check_at       timestamptz,
        created_at     timestamptz NOT NULL,
        sent_at        timestamptz,
        settled_at     timestamptz,
        revision       int NOT NULL,
        UNIQUE (invoice_id, attempt),
        UNIQUE (provider, reference)
    );
    CREATE INDEX billing_payment_of_customer ON billing_payment (customer_id, id DESC);
    CREATE UNIQUE INDEX billing_payment_live ON billing_payment (invoice_id)
        WHERE status IN ('pending', 'unknown', 'processing', 'action_required');
    CREATE UNIQUE INDEX billing_payment_succeeded ON billing_payment (invoice_id) WHERE status = 'succeeded';
    CREATE TABLE billing_provider_event (
        provider   text NOT NULL,
        id         text COLLATE "C" NOT NULL,
        told_at    timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (provider, id)
    );
    """)
