"""Bring every tenant's schema to the newest revision; one tenant's failure does not stop the others."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.failures import told
from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.kernel.ids import TenantId
from domain.security.commands import (
    FailedMigration,
    ListTenants,
    MigrateTenant,
    MigrateTenantsInput,
    MigrateTenantsProgress,
)

PAGE = 200


def workflow_id(revision: str) -> str:
    """The one migration to this revision; it may run again after it ended."""
    return f"platform/sagas/migrate_tenants/{revision}"


@workflow.defn(name="sagas.migrate_tenants")
class MigrateTenantsWorkflow:
    """Pages through the tenants; goes on after a crash where it stopped."""

    @workflow.init
    def __init__(self, input: MigrateTenantsInput) -> None:
        self._revision = input.revision
        self._migrated = input.migrated
        self._failed = list(input.failed)
        self._finished = False

    @workflow.run
    async def run(self, input: MigrateTenantsInput) -> MigrateTenantsProgress:
        """Migrate page after page; a page is one stretch of history."""
        page = await workflow.execute_activity_method(
            SecurityActivities.list_tenants,
            ListTenants(after=input.after, limit=PAGE),
            summary=f"tenants after {input.after or 'the beginning'}",
            **OWN_DATABASE,
        )
        places = asyncio.Semaphore(input.concurrency)
        await asyncio.gather(*(self._migrate(tenant, places) for tenant in page.tenant_ids))
        if not page.last:
            workflow.continue_as_new(
                input.model_copy(
                    update={
                        "after": page.tenant_ids[-1],
                        "migrated": self._migrated,
                        "failed": tuple(self._failed),
                    }
                )
            )
        self._finished = True
        return self.progress()

    @workflow.query
    def progress(self) -> MigrateTenantsProgress:
        """How many tenants are there, and which stayed behind."""
        return MigrateTenantsProgress(
            revision=self._revision,
            migrated=self._migrated,
            failed=tuple(self._failed),
            finished=self._finished,
        )

    async def _migrate(self, tenant: TenantId, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                await workflow.execute_activity_method(
                    SecurityActivities.migrate_tenant,
                    MigrateTenant(tenant_id=tenant),
                    summary=tenant,
                    **OWN_DATABASE,
                )
            except ActivityError as error:
                code, reason = told(error)
                self._failed.append(FailedMigration(tenant_id=tenant, code=code, reason=reason))
            else:
                self._migrated += 1
        workflow.set_current_details(f"{self._migrated} migrated, {len(self._failed)} failed")
