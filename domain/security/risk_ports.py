"""What the risk register asks of the database and of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.ids import DependencyScanId, RiskId
from domain.security.risk_commands import DependenciesScanned
from domain.security.risk_model import Risk, RiskStatus
from domain.security.vulnerabilities import Advisory, Component, Vulnerability


class DependencyScan(Payload):
    """One look at what we are made of. advisories_from: which source; newest_advisory_at: how fresh it is."""

    id: DependencyScanId
    at: datetime
    components: int
    advisories: int
    advisories_from: str
    newest_advisory_at: datetime | None
    vulnerabilities: tuple[Vulnerability, ...]


class Risks(Protocol):
    """The register."""

    async def put(self, risk: Risk) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, risk_id: RiskId) -> Risk:
        """Locked until the transaction ends; tenant None may see all. Raises RiskNotFound."""
        ...

    async def page(
        self, tenant: TenantId | None, status: RiskStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Risk]:
        """Newest first; tenant None may see all."""
        ...

    async def hold_scanned(self) -> None:
        """Wait until no other scan is being entered."""
        ...

    async def scanned(self) -> Sequence[Risk]:
        """The open ones that a scan has found; locked until the transaction ends."""
        ...

    async def of_platform(self) -> Sequence[Risk]:
        """The open ones that are no tenant's."""
        ...

    async def put_scan(self, scan: DependencyScan) -> None:
        """Insert."""
        ...

    async def last_scan(self) -> DependencyScan | None:
        """The newest."""
        ...

    async def scans(self, *, cursor: str | None, limit: int) -> Page[DependencyScan]:
        """Newest first."""
        ...


class Advisories(NamedTuple):
    """What a source knows about some components. source: what an operator calls it; read: how many records it has.

    told: whether it has anything to say; if not, nothing that was found before is gone.
    """

    source: str
    read: int
    newest_at: datetime | None
    records: Sequence[Advisory]
    told: bool


class AdvisorySource(Protocol):
    """Where known vulnerabilities are looked up."""

    async def advisories(self, components: Sequence[Component], *, heartbeat: Callable[..., None]) -> Advisories:
        """Those about these components. Raises AdvisoriesUnreadable, AdvisoriesUnavailable."""
        ...


class DependencyScanner(Protocol):
    """Looks at what is installed here."""

    async def scan(self, *, heartbeat: Callable[..., None]) -> DependenciesScanned:
        """Look, and enter what is found into the register, in one transaction."""
        ...
