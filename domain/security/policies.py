"""What can be done with a tenant's policies: each change is validated before it decides anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId
from domain.security.authorization import Circumstances, Rules
from domain.security.cedar import Statements, Vocabulary, parse
from domain.security.errors import PolicyLocksOut, TooManyPolicies
from domain.security.events import PolicyChanged
from domain.security.ids import PolicyId
from domain.security.model import Entitlements, Policy, Principal
from domain.security.permissions import DELETE_POLICY, PUT_POLICY
from domain.security.ports import SecurityUnitOfWork

MOST = 100


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes policies of a tenant, and under which circumstances."""

    tenant: TenantId
    principal: Principal
    tell: Callable[[], Circumstances]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a policy shall say."""

    name: str
    description: str
    text: str
    enabled: bool


def statements_of(policies: Iterable[Policy]) -> dict[str, Statements]:
    """Those that decide something, parsed, by id."""
    return {policy.id: parse(policy.text) for policy in policies if policy.enabled}


async def create_policy(
    uow: SecurityUnitOfWork,
    vocabulary: Vocabulary,
    author: Author,
    draft: Draft,
    *,
    policy_id: PolicyId,
    now: datetime,
) -> Policy:
    """Let it decide from now on. Raises PolicyInvalid, PolicyLocksOut, TooManyPolicies."""
    vocabulary.validate(draft.text)
    await uow.policies.hold(author.tenant)
    there = await uow.policies.all(author.tenant)
    if len(there) >= MOST:
        raise TooManyPolicies(most=MOST)
    policy = _drafted(policy_id, draft, revision=1, created_at=now, now=now)
    _refuse_lockout(vocabulary, author, [*there, policy])
    await uow.policies.put(author.tenant, policy)
    _tell(uow, author.tenant, policy, action=PUT_POLICY.name, now=now)
    return policy


async def replace_policy(
    uow: SecurityUnitOfWork,
    vocabulary: Vocabulary,
    author: Author,
    draft: Draft,
    *,
    policy_id: PolicyId,
    revision: int,
    now: datetime,
) -> Policy:
    """Let it say something else, if it is still at this revision.

    Raises PolicyNotFound, PreconditionFailed, PolicyInvalid, PolicyLocksOut.
    """
    vocabulary.validate(draft.text)
    current, others = await _at(uow, author.tenant, policy_id, revision)
    policy = _drafted(policy_id, draft, revision=revision + 1, created_at=current.created_at, now=now)
    _refuse_lockout(vocabulary, author, [*others, policy])
    await uow.policies.put(author.tenant, policy)
    _tell(uow, author.tenant, policy, action=PUT_POLICY.name, now=now)
    return policy


async def delete_policy(
    uow: SecurityUnitOfWork,
    vocabulary: Vocabulary,
    author: Author,
    *,
    policy_id: PolicyId,
    revision: int,
    now: datetime,
) -> None:
    """Let it decide nothing any more, if it is still at this revision.

    Raises PolicyNotFound, PreconditionFailed, PolicyLocksOut.
    """
    current, others = await _at(uow, author.tenant, policy_id, revision)
    _refuse_lockout(vocabulary, author, others)
    gone = current.model_copy(update={"enabled": False, "revision": revision + 1, "updated_at": now})
    await uow.policies.remove(author.tenant, gone)
    _tell(uow, author.tenant, gone, action=DELETE_POLICY.name, now=now, deleted=True)


def with_draft(policies: Iterable[Policy], text: str, *, replaces: PolicyId | None) -> dict[str, Statements]:
    """The tenant's policies as they would be with this one, instead of the one it replaces."""
    others = [policy for policy in policies if policy.id != replaces]
    return {**statements_of(others), replaces or "draft": parse(text)}


def _drafted(policy_id: PolicyId, draft: Draft, *, revision: int, created_at: datetime, now: datetime) -> Policy:
    return Policy(
        id=policy_id,
        name=draft.name,
        description=draft.description,
        text=draft.text,
        enabled=draft.enabled,
        revision=revision,
        created_at=created_at,
        updated_at=now,
    )


async def _at(
    uow: SecurityUnitOfWork, tenant: TenantId, policy_id: PolicyId, revision: int
) -> tuple[Policy, Sequence[Policy]]:
    """The policy at this revision, and the others."""
    await uow.policies.hold(tenant)
    current = await uow.policies.get(tenant, policy_id)
    if current.revision != revision:
        raise PreconditionFailed(current_revision=current.revision)
    return current, [other for other in await uow.policies.all(tenant) if other.id != policy_id]


def _refuse_lockout(vocabulary: Vocabulary, author: Author, policies: Sequence[Policy]) -> None:
    """Whether the plan includes policies is left out of it: a plan locks nobody out for good."""
    if author.principal.is_operator:
        return
    features = frozenset(permission.feature for permission in vocabulary.permissions if permission.feature)
    rules = Rules(
        vocabulary,
        tenant=author.tenant,
        entitlements=Entitlements(features=features),
        policies=statements_of(policies),
    )
    for permission in (PUT_POLICY, DELETE_POLICY):
        decision = rules.decide(author.principal, permission, None, author.tell)
        if not decision.allowed:
            raise PolicyLocksOut(action=permission.name, policies=list(decision.policies))


def _tell(
    uow: SecurityUnitOfWork, tenant: TenantId, policy: Policy, *, action: str, now: datetime, deleted: bool = False
) -> None:
    uow.events.append(
        PolicyChanged(
            policy_id=policy.id,
            name=policy.name,
            revision=policy.revision,
            enabled=policy.enabled,
            deleted=deleted,
            occurred_at=now,
        )
    )
    details = {"revision": policy.revision, "enabled": policy.enabled}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=action, resource=policy.id, details=details))
