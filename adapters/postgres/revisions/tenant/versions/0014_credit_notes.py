"""What is given back of what was invoiced, and the money that goes back by providers."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Plain SQL. What a credit note says is fixed by the database, as an invoice's content is."""
    op.execute("""
    CREATE TABLE billing_credit_note (
        id                 text COLLATE "C" PRIMARY KEY,
        number             text COLLATE "C" NOT NULL UNIQUE,
        customer_id        text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        invoice_id         text COLLATE "C" REFERENCES billing_invoice (id),
        invoice_number     text,
        subscription_id    text COLLATE "C" REFERENCES billing_subscription (id),
        reason             text NOT NULL,
        note               text,
        content            jsonb NOT NULL,
        currency           text NOT NULL,
        total_minor        bigint NOT NULL CHECK (total_minor > 0),
        lessened_due_minor bigint NOT NULL CHECK (lessened_due_minor >= 0),
        credited_minor     bigint NOT NULL CHECK (credited_minor >= 0),
        refunded_minor     bigint NOT NULL CHECK (refunded_minor >= 0),
        credit_grant_id    text COLLATE "C",
        refund_id          text COLLATE "C",
        created_at         timestamptz NOT NULL,
        CHECK (lessened_due_minor + credited_minor + refunded_minor = total_minor)
    );
    CREATE INDEX billing_credit_note_of_customer ON billing_credit_note (customer_id, id DESC);
    CREATE INDEX billing_credit_note_of_invoice ON billing_credit_note (invoice_id) WHERE invoice_id IS NOT NULL;
    CREATE FUNCTION billing_credit_note_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR (NEW.id, NEW.number, NEW.customer_id, NEW.invoice_id, NEW.content, NEW.created_at)
            IS DISTINCT FROM (OLD.id, OLD.number, OLD.customer_id, OLD.invoice_id, OLD.content, OLD.created_at)
        THEN
            RAISE EXCEPTION 'credit note % is final', OLD.number USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER billing_credit_note_is_final BEFORE UPDATE OR DELETE ON billing_credit_note
        FOR EACH ROW EXECUTE FUNCTION billing_credit_note_is_final();
    CREATE TABLE billing_refund (
        id             text COLLATE "C" PRIMARY KEY,
        payment_id     text COLLATE "C" NOT NULL REFERENCES billing_payment (id),
        credit_note_id text COLLATE "C" NOT NULL REFERENCES billing_credit_note (id),
        invoice_id     text COLLATE "C" NOT NULL REFERENCES billing_invoice (id),
        customer_id    text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        provider       text NOT NULL,
        currency       text NOT NULL,
        amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
        status         text NOT NULL,
        attempt        int NOT NULL,
        reference      text,
        message        text,
        checks         int NOT NULL,
        check_at       timestamptz,
        created_at     timestamptz NOT NULL,
        sent_at        timestamptz,
        settled_at     timestamptz,
        revision       int NOT NULL
    );
    CREATE INDEX billing_refund_of_customer ON billing_refund (customer_id, id DESC);
    CREATE INDEX billing_refund_of_payment ON billing_refund (payment_id);
    ALTER TABLE billing_line ADD COLUMN credit_note_id text COLLATE "C" REFERENCES billing_credit_note (id);
    """)
