"""People are known once on the whole platform: who is in a tenant's own list becomes a member there."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Plain SQL. Who has the same address in two tenants is one person with two memberships."""
    op.execute("""
    INSERT INTO platform.security_user (id, name, email, address_key, created_at)
    SELECT id, name, email, lower(email), created_at FROM security_user
    ORDER BY created_at
    ON CONFLICT (address_key) DO NOTHING;
    INSERT INTO platform.security_membership (tenant_id, user_id, role, joined_at)
    SELECT current_schema(), person.id, own.role, own.created_at
    FROM security_user AS own
    JOIN platform.security_user AS person ON person.address_key = lower(own.email);
    DROP TABLE security_user;
    """)
