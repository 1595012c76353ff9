"""`/v1/billing/meters`: what is counted of the usage that a tenant's systems report."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.errors import MeterExists, MeterNotFound
from domain.billing.metering_model import Code, Meter, MeterTerms
from domain.billing.permissions import ADD_METER, READ_METERS
from domain.billing.service import add_meter
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/meters", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_METERS)


class MeterBody(MeterTerms):
    """A meter, and what charges call it."""

    code: Code = Field(examples=["traffic"])


@router.get("", response_model=Answer[Page[Meter]], responses=problems(TenantRequired))
async def list_meters(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[Meter]]:
    """Meters, by code."""
    return ok(await world.billing(tenant, lambda uow: uow.meters.page(cursor=cursor, limit=limit)))


@router.post("", status_code=201, response_model=Answer[Meter], responses=problems(TenantRequired, MeterExists))
async def post_meter(
    body: MeterBody, tenant: Annotated[TenantId, own_tenant(ADD_METER)], world: World
) -> Answer[Meter]:
    """Count usage by it. It never changes: what was billed by it must stay true."""
    meter = Meter(**dict(body), created_at=utc_now())
    return ok(await world.billing(tenant, lambda uow: add_meter(uow, tenant, meter)))


@router.get("/{meter_code}", response_model=Answer[Meter], responses=problems(TenantRequired, MeterNotFound))
async def get_meter(meter_code: Code, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[Meter]:
    """One meter."""
    found = await world.billing(tenant, lambda uow: uow.meters.find(meter_code))
    if found is None:
        raise MeterNotFound(meter_code=meter_code)
    return ok(found)
