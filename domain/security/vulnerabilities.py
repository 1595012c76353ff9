"""Which of our components have known vulnerabilities: records in the OSV format (ossf.github.io/osv-schema), matched.

Records of several databases that tell of the same vulnerability (GHSA, PYSEC, CVE) are one: their aliases say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, ValidationError

from domain.kernel.payload import Payload
from domain.security.cvss import Cvss, scored, severity_of
from domain.security.risk_errors import AdvisoriesUnreadable, CvssVectorInvalid

ECOSYSTEM = "PyPI"
_WORDS = {"low": 3.0, "moderate": 5.5, "medium": 5.5, "high": 8.0, "critical": 9.5}
"""Some records have a word and no vector: the middle of what the word stands for."""


def _text(told: object) -> object:
    """Pydantic would take numbers for seconds since 1970."""
    if told is not None and not isinstance(told, str):
        raise ValueError("an instant is text (RFC 3339)")
    return told


Name = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
Instant = Annotated[AwareDatetime, BeforeValidator(_text)]


class Component(Payload):
    """Something that is installed. licenses: as its metadata have it; requires: names of components."""

    name: str
    version: str
    licenses: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


class _Event(Payload):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = Field(default=None, alias="last_affected")


class _Range(Payload):
    type: str
    events: tuple[_Event, ...] = ()


class _Package(Payload):
    ecosystem: str = ""
    name: str = ""


class _Severity(Payload):
    type: str
    score: str


class _Affected(Payload):
    package: _Package = _Package()
    ranges: tuple[_Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[_Severity, ...] = ()


class Advisory(Payload):
    """One OSV record, as far as we read it."""

    id: Name
    summary: str = ""
    details: str = ""
    aliases: tuple[Name, ...] = ()
    modified: Instant
    withdrawn: Instant | None = None
    severity: tuple[_Severity, ...] = ()
    affected: tuple[_Affected, ...] = ()
    database_specific: dict[str, Any] = Field(default={}, alias="database_specific")


class Vulnerability(Payload):
    """A component's known vulnerability. fixed_in: the lowest version above ours that has it no more.

    cvss: the worst vector that anybody gives, if any does; score: its base score, or the middle of a word's.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    component: Component
    fixed_in: str | None
    cvss: str | None
    score: float
    severity: str
    likelihood: int
    impact: int

    @property
    def key(self) -> str:
        """What makes it this one."""
        return f"{self.component.name}/{self.id}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The same by every name it has."""
        return tuple(f"{self.component.name}/{each}" for each in (self.id, *self.aliases))


def read_advisory(record: object) -> Advisory:
    """One OSV record. Raises AdvisoriesUnreadable, which names it."""
    try:
        return Advisory.model_validate(record)
    except ValidationError as error:
        problem = error.errors()[0]
        name = record.get("id") if isinstance(record, Mapping) else None
        where = ".".join(map(str, problem["loc"]))
        raise AdvisoriesUnreadable(f"record {name or '?'}: {where}: {problem['msg']}") from None


def vulnerable(components: Iterable[Component], advisories: Iterable[Advisory]) -> list[Vulnerability]:
    """What the advisories say of these components: one for each vulnerability of each, the worst first."""
    there: dict[str, Component] = {canonicalize_name(each.name): each for each in components}
    by_component: dict[str, list[tuple[Advisory, _Affected]]] = {}
    for advisory in advisories:
        if advisory.withdrawn is not None:
            continue
        for affected in advisory.affected:
            name = canonicalize_name(affected.package.name)
            ours = there.get(name) if affected.package.ecosystem == ECOSYSTEM else None
            if ours is not None and _is_affected(ours.version, affected):
                by_component.setdefault(name, []).append((advisory, affected))
    found = [_vulnerability(there[name], group) for name, hits in by_component.items() for group in _same(hits)]
    return sorted(found, key=lambda each: (-each.score, each.key))


def _is_affected(version: str, affected: _Affected) -> bool:
    """As OSV's specification evaluates it, for versions as PEP 440 orders them."""
    if version in affected.versions:
        return True
    try:
        ours = Version(version)
    except InvalidVersion:
        return False
    return any(_contains(each, ours) for each in affected.ranges if each.type == "ECOSYSTEM")


def _contains(affected: _Range, ours: Version) -> bool:
    inside = False
    for version, kind in sorted(_events(affected), key=lambda event: (event[0], event[1] != "introduced")):
        if kind == "introduced" and ours >= version:
            inside = True
        elif (kind == "fixed" and ours >= version) or (kind == "last_affected" and ours > version):
            inside = False
    return inside


def _events(affected: _Range) -> Iterator[tuple[Version, str]]:
    for event in affected.events:
        for kind, text in (
            ("introduced", event.introduced),
            ("fixed", event.fixed),
            ("last_affected", event.last_affected),
        ):
            if text is None:
                continue
            try:
                yield Version("0.dev0" if text == "0" else text), kind
            except InvalidVersion:
                continue  # An event that cannot be compared says nothing of ours.


def _same(hits: Sequence[tuple[Advisory, _Affected]]) -> list[list[tuple[Advisory, _Affected]]]:
    """Those that share an id or an alias, together."""
    groups: list[tuple[set[str], list[tuple[Advisory, _Affected]]]] = []
    for hit in hits:
        ids = {hit[0].id, *hit[0].aliases}
        members = [hit]
        for group in [each for each in groups if each[0] & ids]:
            ids |= group[0]
            members = [*group[1], *members]
            groups.remove(group)
        groups.append((ids, members))
    return [members for _, members in groups]


def _vulnerability(component: Component, hits: Sequence[tuple[Advisory, _Affected]]) -> Vulnerability:
    ids = sorted({each for advisory, _ in hits for each in (advisory.id, *advisory.aliases)}, key=_best_known)
    worst = max((cvss for hit in hits for cvss in _vectors(*hit)), key=lambda each: each.score, default=None)
    rated = worst or _worded(hits)
    return Vulnerability(
        id=ids[0],
        aliases=tuple(ids[1:]),
        summary=next((text for advisory, _ in hits if (text := _first_line(advisory))), ids[0]),
        component=component,
        fixed_in=_fixed_in(component.version, hits),
        cvss=worst.vector if worst else None,
        score=rated.score,
        severity=rated.severity,
        likelihood=rated.likelihood,
        impact=rated.impact,
    )


def _best_known(id_: str) -> tuple[bool, bool, str]:
    return (not id_.startswith("CVE-"), not id_.startswith("GHSA-"), id_)


def _first_line(advisory: Advisory) -> str:
    text = re.sub(r"\s+", " ", advisory.summary or advisory.details.strip().partition("\n")[0]).replace("\x00", "")
    return text.strip()[:200]


def _vectors(advisory: Advisory, affected: _Affected) -> Iterator[Cvss]:
    for each in (*advisory.severity, *affected.severity):
        if each.type in ("CVSS_V3", "CVSS_V4"):
            try:
                yield scored(each.score)
            except CvssVectorInvalid:
                continue  # A record with a vector that nobody can read still tells of a vulnerability.


def _worded(hits: Sequence[tuple[Advisory, _Affected]]) -> Cvss:
    """Without any vector: by the database's word; without that, as medium, for it was worth a record."""
    words = [str(advisory.database_specific.get("severity", "")).lower() for advisory, _ in hits]
    score = max((_WORDS[word] for word in words if word in _WORDS), default=_WORDS["medium"])
    rank = {"low": 2, "medium": 3, "high": 4, "critical": 5}
    severity = severity_of(score)
    return Cvss("", score, severity, rank[severity], rank[severity])


def _fixed_in(version: str, hits: Sequence[tuple[Advisory, _Affected]]) -> str | None:
    try:
        ours = Version(version)
    except InvalidVersion:
        return None
    fixes = [
        fixed
        for _, affected in hits
        for each in affected.ranges
        if each.type == "ECOSYSTEM"
        for fixed, kind in _events(each)
        if kind == "fixed" and fixed > ours
    ]
    return str(min(fixes)) if fixes else None
