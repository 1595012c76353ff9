"""Requests of data subjects, legal holds, retention, and events that forget a person."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Plain SQL. Events stay append-only for everybody but one function, which blanks the fields it is told."""
    op.execute("""
    CREATE TABLE security_subject_request (
        id             text COLLATE "C" PRIMARY KEY,
        tenant_id      text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        kind           text NOT NULL,
        subject        text NOT NULL,
        digest         text NOT NULL,
        reason         text NOT NULL,
        status         text NOT NULL,
        blocked_by     text,
        requested_at   timestamptz NOT NULL,
        due_at         timestamptz NOT NULL,
        run_at         timestamptz NOT NULL,
        completed_at   timestamptz,
        document_until timestamptz,
        certificate    text,
        address        text,
        user_id        text COLLATE "C"
    );
    CREATE INDEX security_subject_request_of_tenant ON security_subject_request (tenant_id, id);
    CREATE UNIQUE INDEX security_subject_request_open ON security_subject_request (tenant_id, kind, digest)
        WHERE status IN ('waiting', 'blocked', 'running');
    CREATE TABLE security_subject_receipt (
        id         text COLLATE "C" PRIMARY KEY,
        request_id text COLLATE "C" NOT NULL REFERENCES security_subject_request (id),
        tenant_id  text COLLATE "C" NOT NULL,
        module     text NOT NULL,
        found      int NOT NULL,
        erased     int NOT NULL,
        kept       jsonb NOT NULL,
        sealed     bytea,
        at         timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX security_subject_receipt_of ON security_subject_receipt (request_id);
    CREATE TABLE security_legal_hold (
        id        text COLLATE "C" PRIMARY KEY,
        tenant_id text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        matter    text NOT NULL,
        subject   text,
        placed_at timestamptz NOT NULL,
        lifted_at timestamptz
    );
    CREATE INDEX security_legal_hold_of_tenant ON security_legal_hold (tenant_id, id);
    CREATE TABLE security_retention_rule (
        tenant_id  text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        category   text NOT NULL,
        days       int NOT NULL CHECK (days BETWEEN 30 AND 3650),
        applied_at timestamptz,
        PRIMARY KEY (tenant_id, category)
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_subject_request, security_subject_receipt, security_legal_hold,
        security_retention_rule TO harborgrid_app;

    CREATE INDEX events_of_user ON events (tenant_id, user_id, xid, seq) WHERE user_id IS NOT NULL;
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'events' AND current_user = 'harborgrid_owner'
           AND current_setting('harborgrid.blanking', true) = 'yes' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE FUNCTION blank_event(event_id text, fields text[]) RETURNS boolean LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = platform AS $$
    DECLARE blanked boolean;
    BEGIN
        PERFORM set_config('harborgrid.blanking', 'yes', true);
        UPDATE events
        SET data = data || (SELECT jsonb_object_agg(field, '[erased]') FROM unnest(fields) AS field WHERE data ? field)
        WHERE id = event_id AND data ?| fields;
        blanked := FOUND;
        PERFORM set_config('harborgrid.blanking', '', true);
        RETURN blanked;
    END $$;
    REVOKE ALL ON FUNCTION blank_event(text, text[]) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION blank_event(text, text[]) TO harborgrid_app;
    """)
