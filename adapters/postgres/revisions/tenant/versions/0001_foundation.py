"""What a tenant owns: its people, dashboards, deliveries, and the counts of its events."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE security_user (
        id         text COLLATE "C" PRIMARY KEY,
        name       text NOT NULL,
        email      text NOT NULL,
        role       text NOT NULL CHECK (role IN ('owner', 'member')),
        created_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX security_user_email ON security_user (lower(email));

    CREATE TABLE analytics_dashboard (
        id         text COLLATE "C" PRIMARY KEY,
        title      text NOT NULL,
        is_default boolean NOT NULL,
        tiles      jsonb NOT NULL,
        revision   int NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX analytics_dashboard_default ON analytics_dashboard (is_default) WHERE is_default;

    CREATE TABLE analytics_event_count (
        day   date NOT NULL,
        type  text COLLATE "C" NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (day, type)
    );

    CREATE TABLE notifications_delivery (
        id         text COLLATE "C" PRIMARY KEY,
        purpose    text NOT NULL UNIQUE,
        channel    text NOT NULL,
        template   text NOT NULL,
        recipient  text NOT NULL,
        message_id text NOT NULL UNIQUE,
        status     text NOT NULL CHECK (status IN ('sending', 'sent', 'failed')),
        attempts   int NOT NULL,
        created_at timestamptz NOT NULL,
        sent_at    timestamptz,
        answer     text
    );
    """)
