"""Policies in Cedar (https://docs.cedarpolicy.com): the vocabulary, the platform's own policies, and evaluation.

Policies are parsed once, when they change. What they read is known from their syntax, so a decision asks for the
time, the address or the thing itself only if a policy looks at it, and is remembered if none does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cedarpy
import orjson

from domain.kernel.permissions import Permission, Scope
from domain.security.errors import PolicyInvalid

NAMESPACE = "HarborGrid"
_LADDER = (Scope.READ, Scope.WRITE, Scope.ADMIN)
_FACTS = {
    "ip": "ipaddr",
    "now": "datetime",
    "weekday": "Long",
    "minuteOfDay": "Long",
    "country": "String",
    "provedMinutesAgo": "Long",
    "entitlements": "Set<String>",
}
_CONTEXT = "{ " + ", ".join(f"{name}?: {kind}" for name, kind in _FACTS.items()) + " }"

_PLATFORM = """
permit (principal in HarborGrid::Role::"read", action in HarborGrid::Action::"read", resource);
permit (principal in HarborGrid::Role::"write", action in HarborGrid::Action::"write", resource);
permit (principal in HarborGrid::Role::"admin", action in HarborGrid::Action::"admin", resource);
permit (principal is HarborGrid::Operator, action, resource);
forbid (principal, action in HarborGrid::Action::"operator", resource) unless { principal is HarborGrid::Operator };
forbid (principal, action, resource)
unless { principal is HarborGrid::Operator || resource in principal.tenant };
"""
_PLATFORM_IDS = ("platform.read", "platform.write", "platform.admin", "platform.operator")
OPERATORS_ONLY, OWN_TENANT_ONLY, PLAN = "platform.operators_only", "platform.own_tenant_only", "platform.plan."
MAX_CHARACTERS = 10_000
_MAX_DEPTH = 32
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|[\[\](){}]')
_LONG_PATH = re.compile(r"(?:\.\s*\w+\s*){33}")


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one policy text: Cedar's JSON of each, in order."""

    policies: tuple[dict[str, Any], ...]

    @property
    def effects(self) -> tuple[str, ...]:
        """`permit` or `forbid`, one for each."""
        return tuple(policy["effect"] for policy in self.policies)


class Vocabulary:
    """What policies can speak of: permissions as actions, kinds of things, who may act, and what a request tells."""

    def __init__(self, permissions: Iterable[Permission]) -> None:
        self.permissions = tuple(permissions)
        statements = parse(_PLATFORM).policies
        named = zip((*_PLATFORM_IDS, OPERATORS_ONLY, OWN_TENANT_ONLY), statements, strict=True)
        self.platform = {**dict(named), **self._plans()}
        # An action needs to know itself, its group and the roles: a handful of entities is quickly added to.
        self._entities = {
            permission.name: cedarpy.Entities.from_json_str(json.dumps([*self._roles(), *_action(permission)]))
            for permission in self.permissions
        }

    @cached_property
    def schema(self) -> str:
        """A Cedar schema of what a tenant's policies may speak of."""
        kinds = sorted(
            {permission.on for permission in self.permissions} - {"ApiKey", "User", "ServiceAccount", "Tenant"}
        )
        return "\n".join(
            [
                f"namespace {NAMESPACE} {{",
                "  entity Tenant = { plan: String, features: Set<String> };",
                "  entity Role in [Role];",
                "  entity ApiKey in [Role, Tenant] = { tenant: Tenant };",
                "  entity ServiceAccount in [Role, Tenant] = { tenant: Tenant };",
                "  entity User in [Role, Tenant] = { tenant: Tenant, mfa: Bool };",
                *(f"  entity {kind} in [Tenant] = {{ tenant: Tenant }};" for kind in kinds),
                *(f"  action {scope};" for scope in _LADDER),
                *(self._action(permission) for permission in self.permissions if permission.scope in _LADDER),
                "}",
                "",
            ]
        )

    def validate(self, text: str) -> Statements:
        """The statements of a tenant's policy. Raises PolicyInvalid with everything that is wrong."""
        statements = parse(text)
        try:
            PolicySet({str(place): statement for place, statement in enumerate(statements.policies)})
        except ValueError:
            raise _too_deep() from None
        told = cedarpy.validate_policies(text, self.schema)
        if not told:
            raise PolicyInvalid("the policy does not fit the schema", problems=[error.error for error in told.errors])
        return statements

    def known(self, permission: Permission, entities: Sequence[dict[str, Any]]) -> cedarpy.Entities:
        """What is to be known for a decision on this permission, and these."""
        return self._entities[permission.name].with_added_json_str(orjson.dumps(entities).decode())

    def _action(self, permission: Permission) -> str:
        things = "Tenant" if permission.on == "Tenant" else f"{permission.on}, Tenant"
        return (
            f'  action "{permission.name}" in [{permission.scope}] '
            f"appliesTo {{ principal: [ApiKey, User, ServiceAccount], resource: [{things}], context: {_CONTEXT} }};"
        )

    def _plans(self) -> dict[str, dict[str, Any]]:
        features: dict[str, list[str]] = {}
        for permission in self.permissions:
            if permission.feature is not None:
                features.setdefault(permission.feature, []).append(f'{NAMESPACE}::Action::"{permission.name}"')
        return {
            f"{PLAN}{feature}": parse(
                f"forbid (principal, action in [{', '.join(actions)}], resource) unless "
                f'{{ principal is {NAMESPACE}::Operator || principal.tenant.features.contains("{feature}") }};'
            ).policies[0]
            for feature, actions in features.items()
        }

    def _roles(self) -> list[dict[str, Any]]:
        return [
            entity("Role", scope, parents=[uid("Role", _LADDER[place - 1])] if place else [])
            for place, scope in enumerate(_LADDER)
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What statements say: whether something is allowed, by which of them, and what could not be evaluated."""

    allowed: bool
    because: tuple[str, ...]
    errors: tuple[str, ...]

    def and_also(self, other: Answer) -> Answer:
        """What both sets of statements say together: one that forbids outweighs all that permit.

        What cannot be evaluated denies, as it may have been what forbids; Cedar alone would pass over it.
        """
        forbids = tuple(reason for said in (self, other) if not said.allowed for reason in said.because)
        errors = self.errors + other.errors
        if forbids or errors:
            return Answer(allowed=False, because=forbids, errors=errors)
        permits = tuple(reason for said in (self, other) if said.allowed for reason in said.because)
        return Answer(allowed=bool(permits), because=permits, errors=())


NOTHING = Answer(allowed=False, because=(), errors=())


@dataclass(frozen=True, slots=True)
class Reads:
    """What a statement looks at, by its syntax: facts about a request, which thing it is, what is known of it."""

    context: frozenset[str]
    thing: bool
    its_data: bool

    @classmethod
    def of(cls, statement: dict[str, Any]) -> Reads:
        """Too much rather than too little."""
        scope = statement["resource"]
        by_id = scope["op"] == "=="
        by_kind = scope["op"] == "All" or (scope["op"] == "is" and "in" not in scope)
        in_conditions = '{"Var": "resource"}' in json.dumps(statement["conditions"])
        return cls(
            context=frozenset(_context_read(statement["conditions"])),
            thing=not by_kind or in_conditions,
            its_data=not (by_kind or by_id) or in_conditions,
        )


class PolicySet:
    """Statements by id, ready to be asked; `reads` is what any of them looks at."""

    def __init__(self, statements: Mapping[str, dict[str, Any]]) -> None:
        document = {"staticPolicies": statements, "templates": {}, "templateLinks": []}
        self._parsed = cedarpy.PolicySet.from_json_str(json.dumps(document))
        reads = [Reads.of(statement) for statement in statements.values()]
        self.reads = Reads(
            context=frozenset().union(*(each.context for each in reads)),
            thing=any(each.thing for each in reads),
            its_data=any(each.its_data for each in reads),
        )

    def evaluate(
        self,
        principal: dict[str, str],
        action: dict[str, str],
        resource: dict[str, str],
        entities: cedarpy.Entities,
        context: Mapping[str, Any],
    ) -> Answer:
        """What these statements say."""
        read = {name: context[name] for name in context if name in self.reads.context}
        told = cedarpy.is_authorized(
            {
                "principal": principal,
                "action": action,
                "resource": resource,
                "context": orjson.dumps(read).decode(),
            },
            self._parsed,
            entities,
        )
        return Answer(told.allowed, tuple(sorted(told.diagnostics.reasons)), tuple(told.diagnostics.errors))


def parse(text: str) -> Statements:
    """Read statements. Raises PolicyInvalid if it is no Cedar, says nothing, or has templates' slots."""
    _refuse_abyss(text)
    try:
        document = json.loads(cedarpy.policies_to_json_str(text))
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise PolicyInvalid("the policy is no Cedar", problems=[str(error)]) from None
    if document["templates"]:
        raise PolicyInvalid("a policy has no slots", problems=["?principal and ?resource are for templates"])
    if not document["staticPolicies"]:
        raise PolicyInvalid("the policy says nothing", problems=["there is no statement in it"])
    return Statements(tuple(document["staticPolicies"][f"policy{n}"] for n in range(len(document["staticPolicies"]))))


def _action(permission: Permission) -> list[dict[str, Any]]:
    group = entity("Action", permission.scope)
    return [group, entity("Action", permission.name, parents=[group["uid"]])]


def _refuse_abyss(text: str) -> None:
    """Cedar's parser takes a step of its stack for each bracket, and the process with it when that ends."""
    if len(text) > MAX_CHARACTERS:
        raise PolicyInvalid("the policy is too long", problems=[f"at most {MAX_CHARACTERS:,} characters"])
    depth = 0
    for found in _BRACKETS.findall(text):
        depth += (found in "([{") - (found in ")]}")
        if depth > _MAX_DEPTH:
            raise _too_deep()
    if _LONG_PATH.search(text):
        raise _too_deep()


def _too_deep() -> PolicyInvalid:
    return PolicyInvalid("the policy is nested too deeply", problems=[f"at most {_MAX_DEPTH} levels"])


def uid(kind: str, id_: str) -> dict[str, str]:
    """An entity's identity, as Cedar's JSON has it."""
    return {"type": f"{NAMESPACE}::{kind}", "id": id_}


def entity(
    kind: str, id_: str, *, attrs: dict[str, Any] | None = None, parents: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    """An entity, as Cedar's JSON has it."""
    return {"uid": uid(kind, id_), "attrs": attrs or {}, "parents": list(parents)}


def _context_read(node: Any) -> Iterable[str]:
    """Names of the context's attributes that a statement reads; all of them if it takes the context as a whole."""
    if isinstance(node, dict):
        for word in (".", "has"):
            access = node.get(word)
            if isinstance(access, dict) and access.get("left") == {"Var": "context"}:
                yield access["attr"]
                return
        if node == {"Var": "context"}:
            yield from _FACTS
        for part in node.values():
            yield from _context_read(part)
    elif isinstance(node, list):
        for part in node:
            yield from _context_read(part)
