"""A reader's promise to look again by itself, beside its cursor."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("ALTER TABLE bus_cursor ADD COLUMN attended_until timestamptz NOT NULL DEFAULT '-infinity'")
