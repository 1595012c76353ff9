"""API keys remember when they were last used, and which key they replace."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    ALTER TABLE security_api_key
        ADD COLUMN last_used_at timestamptz,
        ADD COLUMN replaces text COLLATE "C" UNIQUE REFERENCES security_api_key (id);
    """)
