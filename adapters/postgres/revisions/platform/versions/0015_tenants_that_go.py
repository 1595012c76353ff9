"""Who remembers callers is told when their tenant goes."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Plain SQL."""
    op.execute("""
    CREATE TRIGGER security_tenant_changed AFTER UPDATE OF status ON security_tenant
        FOR EACH ROW EXECUTE FUNCTION tell_of_changed_key();
    """)
