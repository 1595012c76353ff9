"""What everybody writes of a dunning case, and how it is closed when its invoice is settled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.dunning_events import DunningChanged, DunningClosed
from domain.billing.dunning_model import DunningCase, DunningStatus, DunningStep
from domain.billing.ids import InvoiceId
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.ids import TenantId


class DunningCases:
    """One tenant's cases in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, now: datetime) -> None:
        self.uow, self.tenant, self.now = uow, tenant, now

    async def close(self, invoice_id: InvoiceId, outcome: DunningStatus) -> None:
        """The invoice was paid, or is not owed: nothing more is done."""
        case = await self.uow.dunning.find(invoice_id)
        if case is not None and case.is_open:
            await self.closed(case, outcome)

    async def closed(self, case: DunningCase, outcome: DunningStatus) -> DunningCase:
        closed = await self.put(case, status=outcome, closed_at=self.now)
        self.uow.events.append(
            DunningClosed(**self.named(case), outcome=outcome, was_suspended=case.suspended, opened_at=case.opened_at)
        )
        return closed

    async def with_step(self, case: DunningCase, step: DunningStep, **changes: object) -> DunningCase:
        steps = tuple(each.model_copy(update=changes) if each.number == step.number else each for each in case.steps)
        return await self.put(case, steps=steps)

    async def put(self, case: DunningCase, **changes: object) -> DunningCase:
        changed = case.model_copy(update={**changes, "revision": case.revision + 1})
        await self.uow.dunning.put(changed)
        return changed

    def tell(self, change: str, invoice_id: InvoiceId) -> None:
        self.uow.events.append(
            DunningChanged(tenant_id=self.tenant, invoice_id=invoice_id, change=change, occurred_at=self.now)
        )

    def named(self, case: DunningCase) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "invoice_id": case.invoice_id,
            "customer_id": case.customer_id,
            "subscription_id": case.subscription_id,
            "occurred_at": self.now,
        }
