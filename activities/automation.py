"""Automation's durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.automation.commands import FinishOnboarding
from domain.automation.ports import AutomationUnitOfWork
from domain.automation.service import finish_onboarding
from domain.kernel.ports import Clock, Transactions


class AutomationActivities:
    """Steps that keep the books of onboardings."""

    def __init__(self, transactions: Transactions[AutomationUnitOfWork], now: Clock) -> None:
        self._transactions, self._now = transactions, now

    @activity.defn(name="automation.finish_onboarding")
    async def finish_onboarding(self, cmd: FinishOnboarding) -> None:
        """Write how it ended, and tell everyone."""
        await self._transactions(cmd.tenant_id, lambda uow: finish_onboarding(uow, cmd, now=self._now()))
