"""`/v1/billing/dunning-policy`: what is done about invoices that could not be collected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import IfMatch, World, etag, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.dunning_model import DunningPolicy, DunningPolicyTerms
from domain.billing.permissions import CHANGE_DUNNING_POLICY, READ_DUNNING
from domain.billing.service import change_dunning_policy
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/dunning-policy", tags=["billing"], route_class=KeyedRoute)


@router.get("", response_model=Answer[DunningPolicy], responses=problems(TenantRequired))
async def get_dunning_policy(
    tenant: Annotated[TenantId, own_tenant(READ_DUNNING)], world: World, response: Response
) -> Answer[DunningPolicy]:
    """The tenant's own; revision 0 is the one that comes with the product."""
    policy = await world.billing(tenant, lambda uow: uow.dunning.policy())
    response.headers["ETag"] = etag(policy.revision)
    return ok(policy)


@router.put(
    "",
    response_model=Answer[DunningPolicy],
    responses=problems(TenantRequired, PreconditionFailed, PreconditionRequired),
)
async def put_dunning_policy(
    body: DunningPolicyTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_DUNNING_POLICY)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[DunningPolicy]:
    """For cases that begin from now on; those that are open keep their steps."""
    policy = DunningPolicy(**dict(body), revision=revision_in(if_match) + 1, updated_at=utc_now())
    changed = await world.billing(tenant, lambda uow: change_dunning_policy(uow, tenant, policy))
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
