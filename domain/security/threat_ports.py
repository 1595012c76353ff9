"""What threats and breaches ask of the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.breach_model import Breach
from domain.security.commands import ThreatsDetected
from domain.security.ids import BreachId, NetworkBanId, ThreatId
from domain.security.threat_model import DetectionRule, NetworkBan, Threat, ThreatResponse, ThreatStatus


class Threats(Protocol):
    """What was found."""

    async def put(self, threat: Threat) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, threat_id: ThreatId) -> Threat:
        """Locked until the transaction ends; tenant None may see all. Raises ThreatNotFound."""
        ...

    async def page(
        self, tenant: TenantId | None, status: ThreatStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Threat]:
        """Newest first; tenant None may see all."""
        ...

    async def followed(self, threat_id: ThreatId, *, at: datetime) -> None:
        """Its process has begun."""
        ...

    async def response(self, tenant: TenantId) -> ThreatResponse:
        """How this tenant wants threats to be answered."""
        ...

    async def put_response(self, tenant: TenantId, response: ThreatResponse) -> None:
        """Insert or replace."""
        ...


class Bans(Protocol):
    """Networks that nobody new signs in from."""

    async def put(self, ban: NetworkBan) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, ban_id: NetworkBanId) -> NetworkBan:
        """A tenant's own, or one of the whole platform. Raises NetworkBanNotFound."""
        ...

    async def of(self, threat_id: ThreatId) -> Sequence[NetworkBan]:
        """Those that this threat led to."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[NetworkBan]:
        """Newest first, those that are over as well; a tenant's own and the whole platform's."""
        ...

    async def until(self, network: str, tenants: Sequence[TenantId], *, now: datetime) -> datetime | None:
        """Until when a ban of the platform's, or of one of these tenants, covers this network."""
        ...


class DetectionRules(Protocol):
    """Tenants' own rules."""

    async def add(self, rule: DetectionRule) -> None:
        """Insert. Raises DetectionRuleExists."""
        ...

    async def remove(self, tenant: TenantId, rule_id: str) -> None:
        """Raises DetectionRuleNotFound."""
        ...

    async def all(self, tenant: TenantId) -> Sequence[DetectionRule]:
        """All of them, oldest first; there are not many."""
        ...


class Breaches(Protocol):
    """The register of personal data breaches."""

    async def put(self, breach: Breach) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId, breach_id: BreachId) -> Breach:
        """Locked until the transaction ends. Raises BreachNotFound."""
        ...

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[Breach]:
        """Newest first, closed ones as well."""
        ...


class ThreatDetector(Protocol):
    """Reads what was recorded since it last did, and finds threats in it."""

    async def detect(self, *, heartbeat: Callable[..., None]) -> ThreatsDetected:
        """Each record once, with its effect and the reader's place in one transaction."""
        ...
