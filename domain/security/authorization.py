"""Who may do what in a tenant: its policies, its plan and the platform's own rules, asked together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import cedarpy

from domain.kernel.context import ActorKind
from domain.kernel.errors import HarborGridError
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission, Scope, reached_by
from domain.security.cedar import (
    NOTHING,
    OPERATORS_ONLY,
    PLAN,
    Answer,
    PolicySet,
    Reads,
    Statements,
    Vocabulary,
    entity,
    uid,
)
from domain.security.errors import OperatorsOnly, PolicyForbids, ScopeMissing, UpgradeRequired
from domain.security.events import Factor
from domain.security.model import Entitlements, Principal

_REMEMBERED = 20_000
T = TypeVar("T")
_PLATFORM = uid("Platform", "harborgrid")
_KINDS = {
    ActorKind.OPERATOR: "Operator",
    ActorKind.USER: "User",
    ActorKind.API_KEY: "ApiKey",
    ActorKind.SERVICE_ACCOUNT: "ServiceAccount",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a request tells besides who asks for what.

    now: aware; ip: the peer's address; country: ISO 3166-1 alpha-2, if the proxy in front of us says so. entitlements:
    the features that a customer of the tenant's is entitled to, where it is asked for one.
    """

    now: datetime
    ip: str | None = None
    country: str | None = None
    entitlements: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed. because: the policies that decided; none if nothing permits it."""

    permission: Permission
    allowed: bool
    because: tuple[str, ...]
    errors: tuple[str, ...] = ()

    def refusal(self, plans: Sequence[str] = ()) -> HarborGridError:
        """Why not, as an error. `plans`: those that include the missing feature."""
        if OPERATORS_ONLY in self.because:
            return OperatorsOnly()
        if self.missing_feature is not None:
            return UpgradeRequired(feature=self.missing_feature, plans=list(plans))
        if self.because or self.errors:
            return PolicyForbids(action=self.permission.name, policies=list(self.policies))
        return ScopeMissing(scope=self.permission.scope, action=self.permission.name)

    @property
    def missing_feature(self) -> str | None:
        """What the plan would have to include."""
        return next((policy.removeprefix(PLAN) for policy in self.because if policy.startswith(PLAN)), None)

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies that decided, each once, without the place of the statement in them."""
        return tuple(dict.fromkeys(policy.partition("/")[0] for policy in self.because))


@dataclass(frozen=True, slots=True)
class _Question:
    """One principal's question, as far as it does not depend on the thing; `known` are its entities as JSON."""

    who: dict[str, str]
    action: dict[str, str]
    resource: dict[str, str]
    known: tuple[dict[str, Any], ...]
    entities: cedarpy.Entities
    fixed: Answer


class Rules:
    """What holds in one tenant, or for operators outside any tenant; parsed once and asked often."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        tenant: TenantId | None,
        timezone: str = "UTC",
        entitlements: Entitlements | None = None,
        policies: Mapping[str, Statements] | None = None,
    ) -> None:
        self._vocabulary, self._tenant, self._timezone = vocabulary, tenant, ZoneInfo(timezone)
        self._entitlements = entitlements or Entitlements()
        own = {
            f"{policy_id}/{place}": statement
            for policy_id, statements in (policies or {}).items()
            for place, statement in enumerate(statements.policies)
        }
        reads = {id_: Reads.of(statement) for id_, statement in own.items()}
        moving = {id_: own[id_] for id_, read in reads.items() if read.context or read.thing}
        fixed = {id_: statement for id_, statement in own.items() if id_ not in moving}
        self._fixed = PolicySet({**vocabulary.platform, **fixed})
        self._moving = PolicySet(moving) if moving else None
        self._remembered: dict[tuple[object, ...], Decision] = {}
        self._started: dict[tuple[object, ...], _Question] = {}

    def decide(
        self, principal: Principal, permission: Permission, thing: str | None, tell: Callable[[], Circumstances]
    ) -> Decision:
        """May this principal do this to this thing of the tenant's (None: to the tenant's things as such)?

        `tell` is asked for the circumstances if a policy reads them. Otherwise the answer is remembered.
        """
        if principal.grant_id is not None and permission.scope not in reached_by(principal.scopes):
            # A policy may let a person do more; what they let an application do is said in its token.
            return Decision(permission, allowed=False, because=())
        moving = self._moving
        if moving is not None and moving.reads.context:
            return self._decided(principal, permission, thing, self._context(principal, tell()))
        key = (permission.name, principal.id, principal.scopes, principal.mfa, thing if moving else thing is None)
        known = self._remembered.get(key)
        if known is None:
            known = _keep(self._remembered, key, self._decided(principal, permission, thing, {}))
        return known

    def would_after_proof(
        self, principal: Principal, permission: Permission, thing: str | None, tell: Callable[[], Circumstances]
    ) -> bool:
        """Whether a person would be allowed this if they just now proved who they are, with a second factor."""
        if principal.kind is not ActorKind.USER:
            return False
        told = tell()
        proved = principal.model_copy(update={"factors": (*principal.factors, Factor.TOTP), "proved_at": told.now})
        return self.decide(proved, permission, thing, lambda: told).allowed

    def _decided(
        self, principal: Principal, permission: Permission, thing: str | None, context: Mapping[str, Any]
    ) -> Decision:
        question = self._question(principal, permission, named=thing is not None)
        answer = question.fixed
        if self._moving is not None:
            resource, entities = question.resource, question.entities
            if thing is not None and permission.on != "Tenant":
                resource = uid(permission.on, thing)
                if self._moving.reads.its_data and resource != question.who:
                    entities = self._vocabulary.known(permission, [*question.known, self._ours(resource)])
            said = self._moving.evaluate(question.who, question.action, resource, entities, context)
            answer = answer.and_also(said)
        return Decision(permission, answer.allowed, answer.because, answer.errors)

    def _question(self, principal: Principal, permission: Permission, *, named: bool) -> _Question:
        """What does not depend on the thing or the circumstances: asked of the fixed statements once."""
        key = (permission.name, principal.id, principal.scopes, principal.mfa, named)
        return self._started.get(key) or _keep(self._started, key, self._begin(principal, permission, named=named))

    def _begin(self, principal: Principal, permission: Permission, *, named: bool) -> _Question:
        who = uid(_KINDS[principal.kind], principal.id)
        home, known = uid("Tenant", principal.tenant_id or ""), []
        if not principal.is_operator:
            roles = [uid("Role", scope) for scope in Scope if scope in principal.scopes]
            attrs: dict[str, Any] = {"tenant": {"__entity": home}}
            if principal.kind is ActorKind.USER:
                attrs["mfa"] = principal.mfa
            known.append({"uid": who, "attrs": attrs, "parents": [*roles, home]})
        resource = _PLATFORM
        if self._tenant is not None:
            plan = {"plan": self._entitlements.plan, "features": sorted(self._entitlements.features)}
            known.append(entity("Tenant", self._tenant, attrs=plan))
            resource = uid("Tenant", self._tenant)
        action = uid("Action", permission.name)
        entities = self._vocabulary.known(permission, known)
        one = resource
        if named and self._tenant is not None and permission.on != "Tenant":
            # Fixed statements look at the kind of the thing and whose it is: any thing of the tenant's stands for all.
            one = uid(permission.on, "any")
            fixed_entities = self._vocabulary.known(permission, [*known, self._ours(one)])
        else:
            fixed_entities = entities
        fixed = self._fixed.evaluate(who, action, one, fixed_entities, {}).and_also(NOTHING)
        return _Question(who, action, resource, tuple(known), entities, fixed)

    def _ours(self, thing: dict[str, str]) -> dict[str, Any]:
        ours = uid("Tenant", self._tenant or "")
        return {"uid": thing, "attrs": {"tenant": {"__entity": ours}}, "parents": [ours]}

    def _context(self, principal: Principal, told: Circumstances) -> dict[str, Any]:
        local = told.now.astimezone(self._timezone)
        instant = told.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{told.now.microsecond // 1000:03}Z"
        context: dict[str, Any] = {
            "now": {"__extn": {"fn": "datetime", "arg": instant}},
            "weekday": local.isoweekday(),
            "minuteOfDay": local.hour * 60 + local.minute,
        }
        if principal.proved_at is not None:
            context["provedMinutesAgo"] = max(0, int((told.now - principal.proved_at).total_seconds() // 60))
        if told.ip is not None:
            context["ip"] = {"__extn": {"fn": "ip", "arg": told.ip}}
        if told.country is not None:
            context["country"] = told.country
        if told.entitlements is not None:
            context["entitlements"] = sorted(told.entitlements)
        return context


def _keep(remembered: dict[tuple[object, ...], T], key: tuple[object, ...], value: T) -> T:
    if len(remembered) >= _REMEMBERED:
        remembered.clear()
    remembered[key] = value
    return value
