"""Credit that customers have to spend, and what of it invoices were paid with."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE billing_credit_grant (
        id              text COLLATE "C" PRIMARY KEY,
        customer_id     text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        kind            text NOT NULL,
        name            text NOT NULL,
        status          text NOT NULL,
        currency        text NOT NULL,
        amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
        remaining_minor bigint NOT NULL CHECK (remaining_minor BETWEEN 0 AND amount_minor),
        priority        int NOT NULL,
        expires_at      timestamptz,
        invoice_id      text COLLATE "C" REFERENCES billing_invoice (id),
        credit_note_id  text COLLATE "C",
        created_at      timestamptz NOT NULL,
        closed_at       timestamptz,
        reason          text,
        revision        int NOT NULL
    );
    CREATE INDEX billing_credit_grant_of_customer ON billing_credit_grant (customer_id, id DESC);
    CREATE INDEX billing_credit_grant_bought_by ON billing_credit_grant (invoice_id) WHERE invoice_id IS NOT NULL;
    CREATE TABLE billing_credit_use (
        credit_grant_id     text COLLATE "C" NOT NULL REFERENCES billing_credit_grant (id),
        invoice_id   text COLLATE "C" NOT NULL REFERENCES billing_invoice (id),
        currency     text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        used_at      timestamptz NOT NULL,
        PRIMARY KEY (credit_grant_id, invoice_id)
    );
    CREATE INDEX billing_credit_use_of_invoice ON billing_credit_use (invoice_id);
    ALTER TABLE billing_invoice ADD COLUMN due_minor bigint;
    UPDATE billing_invoice SET due_minor = total_minor;
    ALTER TABLE billing_invoice ALTER COLUMN due_minor SET NOT NULL;
    ALTER TABLE billing_journal_entry
        ALTER COLUMN invoice_id DROP NOT NULL,
        ADD COLUMN credit_grant_id text COLLATE "C";
    """)
