"""Questions of what would be allowed, and their answers: shared by checks and trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Annotated, TypeAlias

from fastapi import Request
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from adapters.container import Container
from adapters.kernel.clock import utc_now
from api.authorization import circumstances_of, rules_for
from api.parameters import container_of
from domain.billing.entitlements import features_of
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import TenantId, UserId
from domain.kernel.instants import Instant
from domain.kernel.payload import Body, Payload
from domain.kernel.permissions import Permission, Scope
from domain.permissions import PERMISSIONS
from domain.security.authorization import Circumstances, Decision, Rules
from domain.security.errors import PermissionUnknown, ScopeMissing
from domain.security.ids import ServiceAccountId
from domain.security.model import ApiKeyStatus, Principal, PrincipalId
from domain.security.people_errors import MemberNotFound
from domain.security.permissions import CHECK_ACCESS

MOST = 1_000
Entitled: TypeAlias = Mapping[str, frozenset[str]]
"""What customers are entitled to, by the name they were asked for."""

ThingId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
IpAddress = Annotated[
    str,
    AfterValidator(lambda told: str(ip_address(told))),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]
PrincipalField = Annotated[
    PrincipalId | None,
    Field(description="An API key, a member or a service account of the tenant. Null: the caller.", examples=[None]),
]


class CircumstancesBody(Body):
    """What a request would tell besides; what is left out is as in this request."""

    ip: IpAddress | None = Field(default=None, examples=["203.0.113.7"])
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", examples=["NO"])
    now: Instant | None = None
    customer: str | None = Field(
        default=None,
        max_length=200,
        description="A customer of the tenant's, by its id or external id: `context.entitlements` is what it may.",
        examples=["C-2041"],
    )


class QuestionBody(Body):
    """May this be done?"""

    action: str = Field(max_length=200, examples=["analytics.rename_dashboard"], description="A permission's name.")
    resource: ThingId | None = Field(
        default=None,
        examples=["dsh_01h455vb4pex5vsknk084sn02q"],
        description="The id of the thing. Null: the tenant's things of this kind as such.",
    )
    circumstances: CircumstancesBody = Field(default=CircumstancesBody(), examples=[{"ip": "203.0.113.7"}])


class Because(Payload):
    """A statement that decided. Of the platform's policies, `statement` is null."""

    policy: str = Field(examples=["pol_01h455vb4pex5vsknk084sn02q"])
    statement: int | None = Field(description="Its place in the policy, from 0.", examples=[0])


class CheckView(Payload):
    """The decision, and what it rests on."""

    allowed: bool
    principal: PrincipalId
    action: str
    resource: str | None
    because: list[Because] = Field(description="Empty if nothing permits it.")
    code: str | None = Field(description="The error code a request would get.", examples=["security.scope_missing"])
    required_scope: Scope | None = Field(description="The scope that would permit it, if that is what is missing.")
    plans: list[str] = Field(description="Plans that include it, if that is what is missing.")


async def subject(
    request: Request, caller: Principal, asked: PrincipalId | None, *, tenant: TenantId | None = None
) -> tuple[Principal, bool]:
    """Who is asked about, and whether its key works: the caller, or for who may check access another key or a member.

    Raises ApiKeyNotFound or MemberNotFound, and why not.
    """
    if asked is None or asked == caller.id:
        return caller, True
    world = container_of(request)
    may_ask = await rules_for(world.access, caller)
    decision = may_ask.decide(caller, CHECK_ACCESS, asked, lambda: circumstances_of(request))
    if not decision.allowed:
        raise decision.refusal()
    tenant = tenant if caller.is_operator else caller.tenant_id
    if isinstance(asked, UserId):
        return await _member(world, tenant, asked), True
    if isinstance(asked, ServiceAccountId):
        return await _service_account(world, tenant, asked)
    key = await world.security(tenant, lambda uow: uow.api_keys.get(tenant, asked))
    works = key.status is ApiKeyStatus.ACTIVE and (key.expires_at is None or key.expires_at > utc_now())
    return Principal(id=key.id, tenant_id=key.tenant_id, scopes=frozenset(key.scopes)), works


async def _member(world: Container, tenant: TenantId | None, user_id: UserId) -> Principal:
    """A member as they would be once signed in. The operator's question names no tenant, so nobody is found."""
    if tenant is None:
        raise MemberNotFound
    member = await world.security(tenant, lambda uow: uow.members.get(tenant, user_id))
    return Principal(id=user_id, tenant_id=tenant, scopes=frozenset({member.role.scope}), role=member.role)


async def _service_account(
    world: Container, tenant: TenantId | None, account_id: ServiceAccountId
) -> tuple[Principal, bool]:
    account = await world.security(tenant, lambda uow: uow.service_accounts.get(tenant, account_id))
    scopes = frozenset({account.role.scope})
    return Principal(id=account.id, tenant_id=account.tenant_id, scopes=scopes), account.disabled_at is None


def permission_named(name: str) -> Permission:
    """Raises PermissionUnknown."""
    try:
        return PERMISSIONS[name]
    except KeyError:
        raise PermissionUnknown(action=name) from None


async def entitled(world: Container, tenant: TenantId | None, asked: Iterable[QuestionBody]) -> Entitled:
    """The features of each customer of the tenant's that is asked about."""
    names = {each.circumstances.customer for each in asked if each.circumstances.customer is not None}
    if tenant is None or not names:
        return dict.fromkeys(names, frozenset[str]())

    async def looked_up(uow: BillingUnitOfWork) -> dict[str, frozenset[str]]:
        return {name: await features_of(uow, name, utc_now()) for name in names}

    return await world.billing(tenant, looked_up)


def decide(rules: Rules, principal: Principal, asked: QuestionBody, request: Request, entitled: Entitled) -> Decision:
    """The decision under these rules. Raises PermissionUnknown."""

    def tell() -> Circumstances:
        told, instead = circumstances_of(request), asked.circumstances
        return Circumstances(
            now=instead.now or told.now,
            ip=instead.ip or told.ip,
            country=instead.country or told.country,
            entitlements=None if instead.customer is None else entitled[instead.customer],
        )

    return rules.decide(principal, permission_named(asked.action), asked.resource, tell)


async def view(
    request: Request, principal: Principal, asked: QuestionBody, decision: Decision, *, works: bool = True
) -> CheckView:
    """The answer for people and programs. A key that does not work is allowed nothing."""
    feature = decision.missing_feature
    plans = await container_of(request).plans.including(feature) if feature else []
    refused = None if decision.allowed else decision.refusal(plans)
    if not works:
        refused = Unauthenticated()
    return CheckView(
        allowed=refused is None,
        principal=principal.id,
        action=asked.action,
        resource=asked.resource,
        because=[_because(policy) for policy in decision.because] if works else [],
        code=refused.code if refused else None,
        required_scope=decision.permission.scope if isinstance(refused, ScopeMissing) else None,
        plans=plans,
    )


def _because(policy: str) -> Because:
    """`pol_.../0` is statement 0 of that policy; the platform's have no statements."""
    name, _, place = policy.partition("/")
    return Because(policy=name, statement=int(place) if place else None)
