"""Whether a request is allowed: asked once for each, before anything else of it is read."""

from __future__ import annotations

import time
from functools import partial
from ipaddress import ip_address

import structlog
from fastapi import Request

from adapters.container import Container
from adapters.kernel.clock import utc_now
from adapters.security.access import AccessRules
from adapters.settings import Settings
from adapters.telemetry.metrics import DECISIONS
from api.client_certificates import is_trusted
from api.parameters import container_of
from domain.kernel.context import current_context
from domain.kernel.errors import Unauthenticated, Unavailable
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.security.authorization import Circumstances, Decision, Rules
from domain.security.errors import StepUpRequired
from domain.security.model import Principal
from domain.security.service import record_denial

log = structlog.get_logger(__name__)
_ALLOWED, _DENIED = DECISIONS.labels("allowed"), DECISIONS.labels("denied")
_TOLD_AGAIN_SECONDS = 60.0
_MOST_TOLD = 10_000


def principal_of(request: Request) -> Principal:
    """The caller. Raises Unauthenticated."""
    principal: Principal | None = request.scope["state"]["principal"]
    if principal is None:
        raise Unauthenticated
    return principal


async def demand(request: Request, permission: Permission) -> Principal:
    """The caller, who may do this.

    Raises Unauthenticated, or why not: ScopeMissing, OperatorsOnly, PolicyForbids, UpgradeRequired, StepUpRequired.
    """
    principal, world = principal_of(request), container_of(request)
    if permission.lasting:
        principal = principal.lasting
    rules = await rules_for(world.access, principal)
    thing = thing_of(request)
    decision = rules.decide(principal, permission, thing, partial(circumstances_of, request))
    if decision.allowed:
        _ALLOWED.inc()
        return principal
    _DENIED.inc()
    await _tell(world, principal, decision, thing)
    if rules.would_after_proof(principal, permission, thing, partial(circumstances_of, request)):
        raise StepUpRequired(action=permission.name, policies=list(decision.policies))
    feature = decision.missing_feature
    raise decision.refusal(await world.plans.including(feature) if feature else ())


async def rules_for(access: AccessRules, principal: Principal) -> Rules:
    """What holds for this caller: the rules of its tenant. Operators are subject to the platform's own."""
    tenant = principal.tenant_id
    if tenant is None or principal.is_operator:
        return access.outside_tenants
    return access.now(tenant) or await access.of(tenant)


def thing_of(request: Request) -> str | None:
    """What the path names: its last id."""
    named = request.path_params
    if not named:
        return None
    return next((str(value) for name, value in reversed(named.items()) if name.endswith("_id")), None)


def circumstances_of(request: Request) -> Circumstances:
    """What the request tells besides. The country is believed if the deployment says which header has it."""
    settings = container_of(request).settings
    header = settings.country_header if _believes(settings, request) else ""
    country = request.headers.get(header, "").upper() if header else ""
    return Circumstances(
        now=utc_now(),
        ip=_address_of(request),
        country=country if len(country) == 2 and country.isalpha() else None,
    )


def _believes(settings: Settings, request: Request) -> bool:
    """Whether headers that proxies set are believed. Whoever names no proxies trusts all."""
    return not settings.trusted_proxies or is_trusted(settings, request.scope)


def _address_of(request: Request) -> str | None:
    """The caller's IP address; that of the proxy if it tells none that can be read."""
    settings = container_of(request).settings
    header = settings.client_address_header if _believes(settings, request) else ""
    told = request.headers.get(header, "").rpartition(",")[2].strip() if header else ""
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif told.count(":") == 1:
        told = told.partition(":")[0]
    for address in (told, request.client.host if request.client else ""):
        try:
            return str(ip_address(address.partition("%")[0]))
        except ValueError:
            continue
    return None


_told: dict[tuple[object, ...], float] = {}


async def _tell(world: Container, principal: Principal, decision: Decision, thing: str | None) -> None:
    """Audit and announce a denial, once a minute for each caller and thing: who hammers shall not fill the trail."""
    key, now = (principal.id, decision.permission.name, thing), time.monotonic()
    if now - _told.get(key, float("-inf")) < _TOLD_AGAIN_SECONDS:
        return
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told[key] = now
    actor = current_context().actor
    tenant: TenantId | None = principal.tenant_id
    try:
        await world.security(tenant, lambda uow: record_denial(uow, principal, actor, decision, thing, now=utc_now()))
    except Unavailable as error:
        # The answer is no, whether or not it can be written down.
        log.warning("denial.not_recorded", reason=str(error), action=decision.permission.name)
