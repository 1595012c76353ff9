"""Threats, the windows in which they are seen, tenants' own detection rules, and bans."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Plain SQL. Detection begins with what is recorded from now on."""
    op.execute("""
    CREATE TABLE security_threat (
        id             text COLLATE "C" PRIMARY KEY,
        tenant_id      text COLLATE "C",
        rule_id        text NOT NULL,
        title          text NOT NULL,
        kind           text NOT NULL,
        severity       text NOT NULL,
        confidence     float8 NOT NULL,
        "group"        text[] NOT NULL,
        actor_id       text,
        user_id        text,
        client_network text,
        first_seen_at  timestamptz NOT NULL,
        last_seen_at   timestamptz NOT NULL,
        records        int NOT NULL,
        evidence       text[] NOT NULL,
        respond        text[] NOT NULL,
        ban_minutes    int NOT NULL,
        approval       boolean NOT NULL,
        status         text NOT NULL,
        done           text[] NOT NULL,
        contained_at   timestamptz,
        verdict        text,
        note           text,
        closed_at      timestamptz,
        followed_at    timestamptz
    );
    CREATE INDEX security_threat_of_tenant ON security_threat (tenant_id, id);
    CREATE UNIQUE INDEX security_threat_open ON security_threat (rule_id, coalesce(tenant_id, ''), "group")
        WHERE status <> 'closed';
    CREATE INDEX security_threat_to_follow ON security_threat (id) WHERE followed_at IS NULL;
    CREATE TABLE security_detection_hit (
        rule_id   text NOT NULL,
        tenant_id text COLLATE "C" NOT NULL,
        "group"   text[] NOT NULL,
        at        timestamptz NOT NULL,
        record_id text COLLATE "C" NOT NULL,
        base_rule text NOT NULL,
        value     text,
        PRIMARY KEY (rule_id, tenant_id, "group", record_id, base_rule)
    );
    CREATE INDEX security_detection_hit_at ON security_detection_hit (at);
    CREATE TABLE security_detection_rule (
        tenant_id  text COLLATE "C" NOT NULL REFERENCES security_tenant (id),
        id         text NOT NULL,
        title      text NOT NULL,
        text       text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE TABLE security_threat_response (
        tenant_id text COLLATE "C" PRIMARY KEY REFERENCES security_tenant (id),
        approval  boolean NOT NULL
    );
    CREATE TABLE security_network_ban (
        id         text COLLATE "C" PRIMARY KEY,
        tenant_id  text COLLATE "C",
        network    text NOT NULL,
        reason     text NOT NULL,
        threat_id  text COLLATE "C",
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        lifted_at  timestamptz
    );
    CREATE INDEX security_network_ban_in_force ON security_network_ban (expires_at) WHERE lifted_at IS NULL;
    CREATE INDEX security_network_ban_of_threat ON security_network_ban (threat_id);
    INSERT INTO bus_reader (name, xid, seq)
        SELECT 'security.detection.events', xid, seq FROM events ORDER BY xid DESC, seq DESC LIMIT 1;
    INSERT INTO bus_reader (name, xid, seq)
        SELECT 'security.detection.audit', xid, n FROM security_audit ORDER BY xid DESC, n DESC LIMIT 1;
    GRANT SELECT, INSERT, UPDATE, DELETE ON security_threat, security_detection_hit, security_detection_rule,
        security_threat_response, security_network_ban TO harborgrid_app;
    """)
