"""What this process is made of: installed components, their SBOM, and the scan for what is known to be wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib.metadata import Distribution, distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from adapters.kernel.clock import new_id, utc_now
from domain.kernel.audit import AuditEntry
from domain.kernel.ports import Transactions
from domain.security.ids import DependencyScanId, RiskId
from domain.security.permissions import SCAN_DEPENDENCIES
from domain.security.ports import SecurityUnitOfWork
from domain.security.risk_commands import DependenciesScanned, RiskToFollow
from domain.security.risk_ports import AdvisorySource, DependencyScan
from domain.security.risks import enter_vulnerabilities
from domain.security.vulnerabilities import Component, vulnerable

PRODUCT = "harborgrid"
_LONGEST_NAME = 100
"""Some packages have a licence's whole text where its name belongs."""


def installed(root: str = PRODUCT) -> list[Component]:
    """What this environment has of what the root needs, directly or not, and itself; by name.

    Extras count if somebody in that chain asks for them: tools of developers, installed beside it, are none of it.
    """
    there = {canonicalize_name(each.name): each for each in distributions() if each.name}
    wanted: dict[NormalizedName, set[str]] = {}
    requires: dict[NormalizedName, set[str]] = {}
    waiting = [(canonicalize_name(root), frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        if name not in there or (name in wanted and extras <= wanted[name]):
            continue
        wanted[name] = wanted.get(name, set()) | extras
        needed = list(_requirements(there[name], wanted[name]))
        requires[name] = {each for each, _ in needed if each in there and each != name}
        waiting += needed
    return [_component(name, there[name], requires[name]) for name in sorted(wanted)]


def _requirements(found: Distribution, extras: set[str]) -> Iterator[tuple[NormalizedName, frozenset[str]]]:
    """What it needs with these extras, and which extras of that."""
    for line in found.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # Old metadata that no installer reads either.
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras)):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _component(name: str, found: Distribution, requires: set[str]) -> Component:
    expressions = found.metadata.get_all("License-Expression", [])
    classifiers = found.metadata.get_all("Classifier", [])
    classified = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    told = expressions or classified or found.metadata.get_all("License", [])
    texts = (" ".join(each.split()) for each in told)
    licenses = tuple(text for text in texts if text not in ("", "OSI Approved") and len(text) <= _LONGEST_NAME)
    return Component(name=name, version=found.version, licenses=licenses, requires=tuple(sorted(requires)))


class InstalledDependencies:
    """Scans what is installed where it runs. components: what to look at instead."""

    def __init__(
        self,
        transactions: Transactions[SecurityUnitOfWork],
        source: AdvisorySource,
        components: Callable[[], Sequence[Component]] = installed,
    ) -> None:
        self._transactions, self._source, self._components = transactions, source, components

    async def scan(self, *, heartbeat: Callable[..., None]) -> DependenciesScanned:
        """Look, and enter what is found into the register, in one transaction."""
        components = self._components()
        heartbeat(len(components))
        told = await self._source.advisories(components, heartbeat=heartbeat)
        found = vulnerable(components, told.records)
        scan = DependencyScan(
            id=new_id(DependencyScanId),
            at=utc_now(),
            components=len(components),
            advisories=told.read,
            advisories_from=told.source,
            newest_advisory_at=told.newest_at,
            vulnerabilities=tuple(found),
        )
        return await self._transactions(None, _entering(scan, told=told.told))


def _entering(scan: DependencyScan, *, told: bool) -> Callable[[SecurityUnitOfWork], Awaitable[DependenciesScanned]]:
    async def work(uow: SecurityUnitOfWork) -> DependenciesScanned:
        await uow.risks.put_scan(scan)
        if told:
            await enter_vulnerabilities(uow, scan.vulnerabilities, new_id=lambda: new_id(RiskId), now=scan.at)
        details = {
            "components": scan.components,
            "advisories": scan.advisories,
            "vulnerabilities": len(scan.vulnerabilities),
        }
        uow.audit.record(AuditEntry(tenant_id=None, action=SCAN_DEPENDENCIES.name, resource=scan.id, details=details))
        follow = tuple(RiskToFollow(risk_id=each.id, title=each.title) for each in await uow.risks.of_platform())
        return DependenciesScanned(
            components=scan.components,
            advisories=scan.advisories,
            vulnerabilities=len(scan.vulnerabilities),
            follow=follow,
        )

    return work
