"""Security's durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.kernel.ports import Clock, Transactions
from domain.security.commands import (
    DeprovisionTenant,
    ListTenants,
    MigrateTenant,
    ProvisionTenant,
    TenantMigrated,
    TenantPage,
    TenantReady,
)
from domain.security.ports import KeyRing, SecurityUnitOfWork, TenantMigrations
from domain.security.service import deprovision_tenant, provision_tenant


class SecurityActivities:
    """Steps that make, change and remove tenants."""

    def __init__(
        self,
        transactions: Transactions[SecurityUnitOfWork],
        migrations: TenantMigrations,
        keys: KeyRing,
        now: Clock,
    ) -> None:
        self._transactions, self._migrations, self._keys, self._now = transactions, migrations, keys, now

    @activity.defn(name="security.provision_tenant")
    async def provision_tenant(self, cmd: ProvisionTenant) -> TenantReady:
        """Make schema, role, keys, owner and a first API key."""
        await self._keys.active(cmd.tenant_id)
        tenant = await self._transactions(cmd.tenant_id, lambda uow: provision_tenant(uow, cmd, now=self._now()))
        return TenantReady(tenant_id=tenant.id, schema_revision=tenant.schema_revision or "")

    @activity.defn(name="security.deprovision_tenant")
    async def deprovision_tenant(self, cmd: DeprovisionTenant) -> None:
        """Take it all away again. Data keys stay: the history of what happened must remain readable."""
        await self._transactions(cmd.tenant_id, lambda uow: deprovision_tenant(uow, cmd, now=self._now()))

    @activity.defn(name="security.list_tenants")
    async def list_tenants(self, cmd: ListTenants) -> TenantPage:
        """Active tenants, a page at a time."""
        return await self._migrations.tenants(cmd)

    @activity.defn(name="security.migrate_tenant")
    async def migrate_tenant(self, cmd: MigrateTenant) -> TenantMigrated:
        """Bring one tenant's schema to the newest revision."""
        return await self._migrations.migrate(cmd)
