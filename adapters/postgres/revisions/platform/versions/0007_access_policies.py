"""Access policies of tenants, what plans include, and the word to all processes when either changes."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE billing_plan ADD COLUMN features text[] NOT NULL DEFAULT '{}';
    UPDATE billing_plan SET features = ARRAY['security.policies'] WHERE code IN ('pro', 'enterprise');

    CREATE TABLE security_policy (
        id          text COLLATE "C" PRIMARY KEY,
        tenant_id   text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        name        text NOT NULL,
        description text NOT NULL,
        text        text NOT NULL,
        enabled     boolean NOT NULL,
        revision    int NOT NULL,
        created_at  timestamptz NOT NULL,
        updated_at  timestamptz NOT NULL
    );
    CREATE INDEX security_policy_tenant ON security_policy (tenant_id, id);
    CREATE TABLE security_policy_revision (
        policy_id   text COLLATE "C" NOT NULL,
        revision    int NOT NULL,
        tenant_id   text COLLATE "C" NOT NULL,
        name        text NOT NULL,
        description text NOT NULL,
        text        text NOT NULL,
        enabled     boolean NOT NULL,
        deleted     boolean NOT NULL,
        recorded_at timestamptz NOT NULL,
        actor_kind  text NOT NULL,
        actor_id    text NOT NULL,
        PRIMARY KEY (policy_id, revision)
    );
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_policy TO harborgrid_app;
    GRANT SELECT, INSERT ON security_policy_revision TO harborgrid_app;

    CREATE OR REPLACE FUNCTION tell_of_changed_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_access', OLD.id);
        RETURN NULL;
    END $$;
    CREATE FUNCTION tell_of_changed_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('harborgrid_access', coalesce(NEW.tenant_id, OLD.tenant_id));
        RETURN NULL;
    END $$;
    CREATE TRIGGER security_policy_changed AFTER INSERT OR UPDATE OR DELETE ON security_policy
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_tenant();
    CREATE TRIGGER billing_subscription_changed AFTER INSERT OR UPDATE OR DELETE ON billing_subscription
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_tenant();
    """)
