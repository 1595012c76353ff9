"""Answers under Idempotency-Keys are kept for a day."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("CREATE INDEX http_answer_oldest ON http_answer (created_at)")
