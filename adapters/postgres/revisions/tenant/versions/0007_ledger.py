"""The ledger: double entry, only ever added to."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Plain SQL. The database refuses entries that do not balance, and any change of what is written."""
    op.execute("""
    CREATE TABLE billing_journal_entry (
        id           text COLLATE "C" PRIMARY KEY,
        kind         text NOT NULL,
        legal_entity text COLLATE "C" NOT NULL,
        day          date NOT NULL,
        booked_at    timestamptz NOT NULL,
        customer_id  text COLLATE "C" NOT NULL REFERENCES billing_customer (id),
        invoice_id   text COLLATE "C" NOT NULL REFERENCES billing_invoice (id),
        payment_id   text COLLATE "C",
        reverses     text COLLATE "C" UNIQUE REFERENCES billing_journal_entry (id)
    );
    CREATE INDEX billing_journal_entry_of_invoice ON billing_journal_entry (invoice_id, id DESC);
    CREATE INDEX billing_journal_entry_of_customer ON billing_journal_entry (customer_id, id DESC);
    CREATE TABLE billing_posting (
        entry_id     text COLLATE "C" NOT NULL REFERENCES billing_journal_entry (id),
        number       int NOT NULL,
        account      text COLLATE "C" NOT NULL,
        currency     text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
        line_id      text COLLATE "C" REFERENCES billing_line (id),
        PRIMARY KEY (entry_id, number)
    );
    CREATE FUNCTION billing_posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        entry text;
    BEGIN
        SELECT entry_id INTO entry FROM added GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'journal entry % does not balance', entry USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER billing_posting_balances AFTER INSERT ON billing_posting REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION billing_posting_balances();
    CREATE FUNCTION billing_ledger_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the ledger is only ever added to' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER billing_ledger_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_journal_entry
        FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_is_kept();
    CREATE TRIGGER billing_ledger_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_posting
        FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_is_kept();
    """)
