"""Tenants' access policies in the platform's schema, with every revision they had."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.security.errors import PolicyNotFound
from domain.security.ids import PolicyId
from domain.security.model import Policy, PolicyRevision

_COLUMNS = "id, name, description, text, enabled, revision, created_at, updated_at"


class PostgresPolicies:
    """See `domain.security.ports.Policies`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self, tenant: TenantId) -> None:
        """Wait for others who change this tenant's policies."""
        await hold(self._session, f"security_policy/{tenant}")

    async def get(self, tenant: TenantId, policy_id: PolicyId) -> Policy:
        """Raises PolicyNotFound."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM security_policy WHERE tenant_id = $1 AND id = $2", tenant, policy_id
        )
        if row is None:
            raise PolicyNotFound
        return Policy(**dict(row))

    async def put(self, tenant: TenantId, policy: Policy) -> None:
        """Insert or replace, and keep it among its revisions."""
        await self._session.sql.execute(
            f"INSERT INTO security_policy (tenant_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
            "ON CONFLICT (id) DO UPDATE SET (name, description, text, enabled, revision, updated_at) "
            "= (excluded.name, excluded.description, excluded.text, excluded.enabled, excluded.revision, "
            "excluded.updated_at)",
            tenant,
            *(getattr(policy, column) for column in _COLUMNS.split(", ")),
        )
        await self._record(tenant, policy, deleted=False)

    async def remove(self, tenant: TenantId, policy: Policy) -> None:
        """Delete it, and keep that it ended."""
        await self._session.sql.execute("DELETE FROM security_policy WHERE id = $1", policy.id)
        await self._record(tenant, policy, deleted=True)

    async def all(self, tenant: TenantId) -> Sequence[Policy]:
        """Oldest first."""
        rows = await self._session.sql.fetch(
            f"SELECT {_COLUMNS} FROM security_policy WHERE tenant_id = $1 ORDER BY id", tenant
        )
        return [Policy(**dict(row)) for row in rows]

    async def revisions(self, tenant: TenantId, policy_id: PolicyId) -> Sequence[PolicyRevision]:
        """Newest first. Raises PolicyNotFound."""
        rows = await self._session.sql.fetch(
            "SELECT revision, name, description, text, enabled, deleted, recorded_at, actor_kind, actor_id "
            "FROM security_policy_revision WHERE tenant_id = $1 AND policy_id = $2 ORDER BY revision DESC",
            tenant,
            policy_id,
        )
        if not rows:
            raise PolicyNotFound
        return [PolicyRevision(**dict(row)) for row in rows]

    async def _record(self, tenant: TenantId, policy: Policy, *, deleted: bool) -> None:
        actor = current_context().actor
        await self._session.sql.execute(
            "INSERT INTO security_policy_revision (policy_id, revision, tenant_id, name, description, text, enabled, "
            "deleted, recorded_at, actor_kind, actor_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            policy.id,
            policy.revision,
            tenant,
            policy.name,
            policy.description,
            policy.text,
            policy.enabled,
            deleted,
            policy.updated_at,
            actor.kind,
            actor.id,
        )
