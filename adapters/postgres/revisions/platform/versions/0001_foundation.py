"""What no tenant owns: events, cursors, tenants, keys, plans, subscriptions, onboardings, audit."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Plain SQL."""
    for part in (BUS, SECURITY, BILLING, AUTOMATION, HTTP, GRANTS, LAKE):
        op.execute(part)


BUS = """
CREATE TABLE events (
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    xid       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id        text COLLATE "C" NOT NULL PRIMARY KEY,
    type      text COLLATE "C" NOT NULL,
    version   text NOT NULL,
    timestamp timestamptz NOT NULL,
    source    text NOT NULL,
    tenant_id text COLLATE "C",
    user_id   text,
    subject   text COLLATE "C" NOT NULL,
    data      jsonb NOT NULL,
    metadata  jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX events_position ON events (xid, seq);
CREATE INDEX events_of_tenant ON events (tenant_id, xid, seq);
CREATE INDEX events_of_story ON events ((metadata ->> 'correlationId')) WHERE metadata ? 'correlationId';
CREATE INDEX events_of_subject ON events (tenant_id, subject, xid, seq);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER events_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE bus_reader (
    name text PRIMARY KEY, xid xid8 NOT NULL, seq bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE bus_cursor (
    subscription text NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    xid          xid8 NOT NULL,
    seq          bigint NOT NULL,
    handled      bigint NOT NULL DEFAULT 0,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subscription, tenant_id)
);
CREATE TABLE bus_parked (
    id           text COLLATE "C" PRIMARY KEY,
    subscription text NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    subject      text NOT NULL,
    event_id     text NOT NULL REFERENCES events (id),
    xid          xid8 NOT NULL,
    seq          bigint NOT NULL,
    code         text NOT NULL,
    reason       text NOT NULL,
    attempts     int NOT NULL,
    parked_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (subscription, event_id)
);
CREATE INDEX bus_parked_subject ON bus_parked (subscription, tenant_id, subject, xid, seq);
"""

SECURITY = """
CREATE TABLE security_tenant (
    id              text COLLATE "C" PRIMARY KEY,
    organisation    text NOT NULL,
    status          text NOT NULL CHECK (status IN ('active', 'deprovisioned')),
    locale          text NOT NULL,
    timezone        text NOT NULL,
    schema_revision text,
    created_at      timestamptz NOT NULL,
    deprovisioned_at timestamptz
);
CREATE TABLE security_api_key (
    id          text COLLATE "C" PRIMARY KEY,
    tenant_id   text COLLATE "C",
    label       text NOT NULL,
    scopes      text[] NOT NULL,
    secret_hash bytea UNIQUE,
    status      text NOT NULL CHECK (status IN ('unclaimed', 'active', 'revoked')),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    CHECK (status <> 'active' OR secret_hash IS NOT NULL)
);
CREATE INDEX security_api_key_of_tenant ON security_api_key (tenant_id, id);
CREATE TABLE security_data_key (
    id         text COLLATE "C" PRIMARY KEY,
    tenant_id  text COLLATE "C" NOT NULL,
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE UNIQUE INDEX security_data_key_active ON security_data_key (tenant_id) WHERE retired_at IS NULL;
CREATE TABLE security_audit (
    id             text COLLATE "C" PRIMARY KEY,
    tenant_id      text COLLATE "C",
    at             timestamptz NOT NULL,
    actor_kind     text NOT NULL,
    actor_id       text NOT NULL,
    action         text NOT NULL,
    resource       text NOT NULL,
    outcome        text NOT NULL,
    request_id     text,
    correlation_id text,
    details        jsonb NOT NULL
);
CREATE INDEX security_audit_of_tenant ON security_audit (tenant_id, id);
CREATE TRIGGER security_audit_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON security_audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BILLING = """
CREATE TABLE billing_plan (
    code        text COLLATE "C" PRIMARY KEY,
    name        text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    currency    text NOT NULL,
    interval    text NOT NULL CHECK (interval IN ('month', 'year')),
    requests_per_hour int NOT NULL,
    fairness_weight   real NOT NULL
);
INSERT INTO billing_plan VALUES
    ('free', 'Free', 0, 'EUR', 'month', 100, 1),
    ('pro', 'Pro', 4900, 'EUR', 'month', 1000, 5),
    ('enterprise', 'Enterprise', 49900, 'EUR', 'month', 10000, 20);
CREATE TABLE billing_subscription (
    id                   text COLLATE "C" PRIMARY KEY,
    tenant_id            text COLLATE "C" NOT NULL,
    onboarding_id        text COLLATE "C" UNIQUE,
    plan_code            text NOT NULL REFERENCES billing_plan (code),
    status               text NOT NULL CHECK (status IN ('active', 'canceled')),
    price_minor          bigint NOT NULL,
    currency             text NOT NULL,
    interval             text NOT NULL,
    timezone             text NOT NULL,
    current_period_start timestamptz NOT NULL,
    current_period_end   timestamptz NOT NULL,
    created_at           timestamptz NOT NULL,
    canceled_at          timestamptz,
    cancel_reason        text,
    CHECK (current_period_start < current_period_end),
    CHECK ((status = 'canceled') = (canceled_at IS NOT NULL))
);
CREATE UNIQUE INDEX billing_subscription_active ON billing_subscription (tenant_id) WHERE status = 'active';
"""

AUTOMATION = """
CREATE TABLE automation_onboarding (
    id               text COLLATE "C" PRIMARY KEY,
    tenant_id        text COLLATE "C" NOT NULL UNIQUE,
    workflow_id      text NOT NULL,
    organisation     text NOT NULL,
    owner_name       text NOT NULL,
    owner_email      text NOT NULL,
    plan_code        text NOT NULL,
    locale           text NOT NULL,
    timezone         text NOT NULL,
    status           text NOT NULL CHECK (status IN ('running', 'completed', 'compensated')),
    requested_at     timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    finished_at      timestamptz,
    failed_step      text,
    error_code       text,
    error_reason     text
);
CREATE INDEX automation_onboarding_newest ON automation_onboarding (id DESC);
"""

HTTP = """
CREATE TABLE http_answer (
    owner       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    status      int NOT NULL,
    answer      jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
"""

# The application's own role may read and write the platform's tables. A tenant's role may append and read
# its own rows of a few of them: row-level security compares the row's tenant with the role's name.
GRANTS = """
GRANT USAGE ON SCHEMA platform TO harborgrid_app, harborgrid_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO harborgrid_app;
REVOKE UPDATE, DELETE ON events, security_audit FROM harborgrid_app;
GRANT SELECT, INSERT ON events, security_audit TO harborgrid_tenant;
GRANT SELECT ON billing_plan, billing_subscription, automation_onboarding, security_tenant TO harborgrid_tenant;
GRANT SELECT, INSERT ON http_answer TO harborgrid_tenant;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['events', 'security_audit', 'billing_subscription', 'automation_onboarding'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY platform ON %I TO harborgrid_app USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY own_rows ON %I TO harborgrid_tenant USING (current_user = ''hg_'' || tenant_id)
                        WITH CHECK (current_user = ''hg_'' || tenant_id)', t);
    END LOOP;
END $$;
ALTER TABLE security_tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON security_tenant TO harborgrid_app USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON security_tenant TO harborgrid_tenant USING (current_user = 'hg_' || id);
ALTER TABLE http_answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON http_answer TO harborgrid_app USING (true) WITH CHECK (true);
CREATE POLICY own_rows ON http_answer TO harborgrid_tenant USING (current_user = 'hg_' || split_part(owner, '/', 1))
    WITH CHECK (current_user = 'hg_' || split_part(owner, '/', 1));
"""

# A tenant's lake catalogue is a copy of one made once by DuckDB itself (schema lake_template).
LAKE = """
CREATE FUNCTION clone_lake(target text, files text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', target);
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'lake_template' LOOP
        EXECUTE format('CREATE TABLE %I.%I (LIKE lake_template.%I INCLUDING ALL)', target, t, t);
        EXECUTE format('INSERT INTO %I.%I SELECT * FROM lake_template.%I', target, t, t);
    END LOOP;
    EXECUTE format('UPDATE %I.ducklake_metadata SET value = %L WHERE key = ''data_path''', target, files);
    EXECUTE format('UPDATE %I.ducklake_schema SET schema_uuid = gen_random_uuid()', target);
    EXECUTE format('UPDATE %I.ducklake_table SET table_uuid = gen_random_uuid()', target);
END $$;
REVOKE EXECUTE ON FUNCTION clone_lake FROM PUBLIC;
"""
