"""`/v1/billing/plans`: plans and add-ons that a tenant sells, in versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StrictBool

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.errors import MeterUnknown, PlanExists, PlanIntervalChanged, PlanNotFound, PlanVersionTooEarly
from domain.billing.metering_model import Code
from domain.billing.permissions import PUBLISH_PLAN, READ_PLANS
from domain.billing.plan_model import PlanTerms, PlanVersion
from domain.billing.product_errors import ProductUnknown
from domain.billing.service import publish_plan, publish_version
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/plans", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_PLANS)
At = Annotated[Instant | None, Query(description="What was or will be in force then; now if not given.")]
EffectiveFrom = Annotated[
    Instant | None,
    Field(
        description="New subscriptions get it from then on; at once if not given.", examples=["2027-01-01T00:00:00Z"]
    ),
]


class PlanVersionBody(Body):
    """What the version costs, and from when on it is sold."""

    effective_from: EffectiveFrom = None
    terms: PlanTerms = Field(
        examples=[
            {
                "name": "Pro",
                "interval": "month",
                "charges": [
                    {
                        "kind": "recurring",
                        "code": "seats",
                        "name": "Seats",
                        "perSeat": True,
                        "prices": {"EUR": {"model": "per_unit", "unitPrice": "12.00"}},
                    }
                ],
            }
        ]
    )


class PlanPublicationBody(PlanVersionBody):
    """The first version of a plan or add-on."""

    code: Code = Field(examples=["pro"])
    is_add_on: StrictBool = Field(default=False, description="Sold to go with a plan of the same interval.")


@router.get("", response_model=Answer[Page[PlanVersion]], responses=problems(TenantRequired))
async def list_plans(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    at: At = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[PlanVersion]]:
    """The versions in force, by code."""
    then = at or utc_now()
    return ok(await world.billing(tenant, lambda uow: uow.plans.page(then, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[PlanVersion],
    responses=problems(TenantRequired, PlanExists, PlanVersionTooEarly, MeterUnknown, ProductUnknown),
)
async def post_plan(
    body: PlanPublicationBody, tenant: Annotated[TenantId, own_tenant(PUBLISH_PLAN)], world: World
) -> Answer[PlanVersion]:
    """Sell a new plan or add-on."""
    now = utc_now()
    first = PlanVersion(
        code=body.code,
        version=1,
        is_add_on=body.is_add_on,
        effective_from=body.effective_from or now,
        terms=body.terms,
        created_at=now,
    )
    return ok(await world.billing(tenant, lambda uow: publish_plan(uow, tenant, first)))


@router.get("/{plan_code}", response_model=Answer[PlanVersion], responses=problems(TenantRequired, PlanNotFound))
async def get_plan(
    plan_code: Code, tenant: Annotated[TenantId, _OWN], world: World, at: At = None
) -> Answer[PlanVersion]:
    """The version in force."""
    return ok(await world.billing(tenant, lambda uow: uow.plans.in_force(plan_code, at or utc_now())))


@router.get(
    "/{plan_code}/versions", response_model=Answer[list[PlanVersion]], responses=problems(TenantRequired, PlanNotFound)
)
async def list_versions(plan_code: Code, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[list[PlanVersion]]:
    """All of them, newest first, those that are not in force yet as well."""
    return ok(await world.billing(tenant, lambda uow: uow.plans.versions(plan_code)))


@router.post(
    "/{plan_code}/versions",
    status_code=201,
    response_model=Answer[PlanVersion],
    responses=problems(
        TenantRequired, PlanNotFound, PlanVersionTooEarly, PlanIntervalChanged, MeterUnknown, ProductUnknown
    ),
)
async def post_version(
    plan_code: Code, body: PlanVersionBody, tenant: Annotated[TenantId, own_tenant(PUBLISH_PLAN)], world: World
) -> Answer[PlanVersion]:
    """Sell it on other terms. Subscriptions that are there keep theirs until they are changed."""
    now = utc_now()
    from_ = body.effective_from or now
    return ok(
        await world.billing(
            tenant,
            lambda uow: publish_version(uow, tenant, plan_code, body.terms, effective_from=from_, now=now),
        )
    )
