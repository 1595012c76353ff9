"""From log records to threats: which rules there are, and what a record that matches means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.kernel.ids import TenantId, UserId
from domain.security.correlation import Correlation, correlation
from domain.security.errors import DetectionRuleInvalid
from domain.security.events import Severity, ThreatKind
from domain.security.rule_index import Compiled, RuleSet
from domain.security.sigma import compiled, documents_of
from domain.security.threat_model import Response

MOST_EVIDENCE = 100
LONGEST_BAN_MINUTES = 30 * 24 * 60
_SEVERITY = {"informational": Severity.LOW, **{each.value: each for each in Severity}}


@dataclass(frozen=True, slots=True)
class LogRecord:
    """An event, or an audit record, as rules see it: flat, with names in camelCase."""

    id: str
    at: datetime
    tenant_id: TenantId | None
    category: str
    fields: Mapping[str, Any]


class Wanted(BaseModel):
    """The `harborgrid` section of a rule."""

    model_config = ConfigDict(extra="forbid")

    kind: ThreatKind = ThreatKind.API_ABUSE
    confidence: float = Field(default=0.5, ge=0, le=1)
    respond: list[Response] = []
    ban_minutes: int = Field(default=60, ge=1, le=LONGEST_BAN_MINUTES)
    approval: bool = False
    scope: Literal["tenant", "platform"] = "tenant"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule wants done when it fires, from its `harborgrid` section."""

    rule_id: str
    title: str
    kind: ThreatKind
    severity: Severity
    confidence: float
    respond: tuple[Response, ...]
    ban_minutes: int
    approval: bool
    everywhere: bool


class Detections:
    """Detection and correlation rules that belong together, with what they want done.

    Raises DetectionRuleInvalid for a text that is no rules, or wants something that we do not do.
    """

    def __init__(self, texts: Iterable[str], *, own: bool) -> None:
        """own: a tenant's rules, which see and answer for nothing but the tenant's."""
        documents = [document for text in texts for document in documents_of(text)]
        plain = [compiled(each) for each in documents if "correlation" not in each]
        known = {rule.id: rule for rule in plain} | {rule.name: rule for rule in plain if rule.name}
        self.correlations = [correlation(each, known) for each in documents if "correlation" in each]
        self.rules = RuleSet(plain)
        every: list[Compiled | Correlation] = [*plain, *self.correlations]
        self.answers = {each.id: _answer(each, own=own) for each in every}
        if len(self.answers) < len(documents):
            raise DetectionRuleInvalid(reason="two of them have the same id")
        self._of: dict[str, list[Correlation]] = {}
        for each in self.correlations:
            for rule_id in each.rules:
                self._of.setdefault(rule_id, []).append(each)

    @property
    def speaking(self) -> list[Answer]:
        """Of those that speak for themselves, in the order in which they were written."""
        return [answer for rule_id, answer in self.answers.items() if rule_id not in self._of]

    def correlated(self, rule: Compiled) -> Sequence[Correlation]:
        """Those that this rule's matches are counted for; a rule that is counted does not speak for itself."""
        return self._of.get(rule.id, ())


@cache
def built_in() -> Detections:
    """Those that come with the platform."""
    folder = files("domain.security") / "detections"
    rules = sorted((each for each in folder.iterdir() if each.name.endswith(".yml")), key=lambda each: each.name)
    return Detections((each.read_text() for each in rules), own=False)


def event_record(
    event_id: str, at: datetime, tenant: TenantId | None, type_: str, data: Mapping[str, Any]
) -> LogRecord:
    """An event as rules see it."""
    fields = {"type": type_, "tenantId": tenant, **_flat(data)}
    return LogRecord(event_id, at, tenant, _category(type_), fields)


def audit_record(record_id: str, at: datetime, tenant: TenantId | None, row: Mapping[str, Any]) -> LogRecord:
    """An audit record as rules see it. row: actor_kind, actor_id, action, resource, outcome and details."""
    fields = {
        "action": row["action"],
        "resource": row["resource"],
        "outcome": row["outcome"],
        "actorKind": row["actor_kind"],
        "actorId": row["actor_id"],
        "tenantId": tenant,
        **_flat(row["details"], "details."),
    }
    return LogRecord(record_id, at, tenant, "audit", fields)


def who(fields: Mapping[str, Any]) -> tuple[str | None, UserId | None, str | None]:
    """Actor, person and network that a record is about, as far as it says."""
    actor = fields.get("actorId") or fields.get("userId")
    network = fields.get("clientNetwork") or fields.get("details.network")
    people = [told for told in (fields.get("userId"), actor) if str(told).startswith(f"{UserId.prefix}_")]
    return actor, UserId(people[0]) if people else None, network


def _category(type_: str) -> str:
    module, thing = type_.split(".")[:2]
    if module != "security":
        return "security"
    if thing in {"login", "session", "authorization", "password", "second_factor"}:
        return "authentication"
    return "gateway" if thing in {"permission", "api_key"} else "security"


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = _of_scalars(value) if isinstance(value, list) else value
    return found


def _of_scalars(values: list[Any]) -> list[Any]:
    return [each for each in values if not isinstance(each, dict | list)]


def _answer(rule: Compiled | Correlation, *, own: bool) -> Answer:
    try:
        wanted = Wanted.model_validate(dict(rule.about))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DetectionRuleInvalid(reason=f"its harborgrid section: {where}: {first['msg']}") from None
    if own and wanted.scope == "platform":
        raise DetectionRuleInvalid(reason="its harborgrid section: scope: yours is tenant")
    return Answer(
        rule_id=rule.id,
        title=rule.title,
        kind=wanted.kind,
        severity=_SEVERITY[rule.level],
        confidence=wanted.confidence,
        respond=tuple(dict.fromkeys(wanted.respond)),
        ban_minutes=wanted.ban_minutes,
        approval=wanted.approval,
        everywhere=wanted.scope == "platform",
    )
