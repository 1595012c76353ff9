"""Who sells, and what customers owe."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Plain SQL. What an invoice says is fixed with its number, by the database."""
    op.execute("""
    ALTER TABLE billing_customer
        ADD COLUMN address      text[] NOT NULL DEFAULT '{}',
        ADD COLUMN country      text,
        ADD COLUMN tax_id       text,
        ADD COLUMN locale       text NOT NULL DEFAULT 'en',
        ADD COLUMN legal_entity text COLLATE "C";
    CREATE TABLE billing_legal_entity (
        code          text COLLATE "C" PRIMARY KEY,
        number_prefix text COLLATE "C" NOT NULL UNIQUE,
        revision      int NOT NULL,
        created_at    timestamptz NOT NULL,
        document      jsonb NOT NULL
    );
    CREATE TABLE billing_invoice_number (
        prefix text COLLATE "C" NOT NULL,
        year   int NOT NULL,
        last   bigint NOT NULL,
        PRIMARY KEY (prefix, year)
    );
    CREATE TABLE billing_invoice (
        id              text COLLATE "C" PRIMARY KEY,
        customer_id     text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        subscription_id text COLLATE "C" NOT NULL REFERENCES billing_subscription (id),
        status          text NOT NULL,
        number          text COLLATE "C" UNIQUE,
        currency        text NOT NULL,
        total_minor     bigint NOT NULL,
        content         jsonb NOT NULL,
        created_at      timestamptz NOT NULL,
        finalize_at     timestamptz NOT NULL,
        finalized_at    timestamptz,
        due_at          timestamptz,
        overdue         boolean NOT NULL,
        closed_at       timestamptz,
        paid_by         text,
        reason          text,
        revision        int NOT NULL
    );
    CREATE INDEX billing_invoice_of_customer ON billing_invoice (customer_id, id DESC);
    CREATE INDEX billing_invoice_of_subscription ON billing_invoice (subscription_id, id DESC);
    CREATE FUNCTION billing_invoice_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.number IS NOT NULL AND (
            TG_OP = 'DELETE' OR (NEW.id, NEW.number, NEW.customer_id, NEW.content, NEW.finalized_at)
            IS DISTINCT FROM (OLD.id, OLD.number, OLD.customer_id, OLD.content, OLD.finalized_at)
        ) THEN
            RAISE EXCEPTION 'invoice % is final', OLD.number USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN coalesce(NEW, OLD);
    END $$;
    CREATE TRIGGER billing_invoice_is_final BEFORE UPDATE OR DELETE ON billing_invoice
        FOR EACH ROW EXECUTE FUNCTION billing_invoice_is_final();
    ALTER TABLE billing_line ADD COLUMN invoice_id text COLLATE "C" REFERENCES billing_invoice (id);
    CREATE INDEX billing_line_uninvoiced ON billing_line (subscription_id) WHERE invoice_id IS NULL;
    CREATE INDEX billing_line_of_invoice ON billing_line (invoice_id) WHERE invoice_id IS NOT NULL;
    """)
