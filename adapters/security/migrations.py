"""Brings tenants' schemas to the newest revision, as the database's owner."""

from __future__ import annotations

import asyncpg

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.postgres import PostgresTenants
from adapters.security.spaces import PostgresTenantSpaces
from domain.kernel.audit import AuditEntry
from domain.security.commands import ListTenants, MigrateTenant, TenantMigrated, TenantPage
from domain.security.errors import MigrationFailed, TenantNotFound
from domain.security.model import TenantStatus


class PostgresTenantMigrations:
    """See `domain.security.ports.TenantMigrations`."""

    def __init__(self, owner: Database) -> None:
        self._owner = owner

    async def tenants(self, cmd: ListTenants) -> TenantPage:
        """Active tenants by id."""

        async def work(session: Session) -> TenantPage:
            rows = await session.sql.fetch(
                "SELECT id FROM security_tenant WHERE status = 'active' AND id > $1 ORDER BY id LIMIT $2",
                cmd.after or "",
                cmd.limit + 1,
            )
            return TenantPage(tenant_ids=tuple(row["id"] for row in rows[: cmd.limit]), last=len(rows) <= cmd.limit)

        return await self._owner.run(None, work)

    async def migrate(self, cmd: MigrateTenant) -> TenantMigrated:
        """All of one tenant's migrations in one transaction. Raises TenantNotFound, MigrationFailed."""

        async def work(session: Session) -> TenantMigrated:
            tenants = PostgresTenants(session)
            await tenants.hold(cmd.tenant_id)
            tenant = await tenants.find(cmd.tenant_id)
            if tenant is None or tenant.status is not TenantStatus.ACTIVE:
                raise TenantNotFound(tenant_id=cmd.tenant_id)
            try:
                revision = await PostgresTenantSpaces(session).migrate(cmd.tenant_id)
            except (asyncpg.SyntaxOrAccessError, asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
                raise MigrationFailed(str(error), tenant_id=cmd.tenant_id) from error
            if revision != tenant.schema_revision:
                session.record(
                    AuditEntry(
                        tenant_id=cmd.tenant_id,
                        action="security.migrate_tenant",
                        resource=cmd.tenant_id,
                        details={"from": tenant.schema_revision, "to": revision},
                    )
                )
            return TenantMigrated(tenant_id=cmd.tenant_id, revision=revision)

        return await self._owner.run(None, work)
