"""Schemas that are made before anyone asks for them; only the database's owner sees the list."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TABLE spare_schema (
        id          text COLLATE "C" PRIMARY KEY,
        kind        text NOT NULL,
        revision    text NOT NULL,
        created_at  timestamptz NOT NULL DEFAULT now()
    );
    """)
