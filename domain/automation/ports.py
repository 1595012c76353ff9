"""What automation asks of the database."""

from __future__ import annotations

from typing import Protocol

from domain.automation.ids import OnboardingId
from domain.automation.model import Onboarding
from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.ports import AuditTrail


class Onboardings(Protocol):
    """The onboardings."""

    async def get(self, tenant: TenantId | None, onboarding_id: OnboardingId, *, lock: bool = False) -> Onboarding:
        """Raises OnboardingNotFound; tenant None may see every tenant's. `lock` holds it until the commit."""
        ...

    async def put(self, onboarding: Onboarding) -> None:
        """Replace an existing one."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Onboarding]:
        """Newest first."""
        ...


class AutomationUnitOfWork(Protocol):
    """One transaction of automation."""

    @property
    def onboardings(self) -> Onboardings: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def audit(self) -> AuditTrail: ...
