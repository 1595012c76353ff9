"""`/v1/billing/test-clocks`: a time of their own for customers that something is to be tried with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.clock_commands import ClockProgress
from domain.billing.clock_errors import ClockAdvancing, ClockInstantInvalid, ClockNotFound
from domain.billing.clock_model import SimulatedClock
from domain.billing.clocks import ClockBooks
from domain.billing.ids import ClockId
from domain.billing.permissions import ADD_TEST_CLOCK, ADVANCE_TEST_CLOCK, READ_TEST_CLOCKS
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from workflows.billing.test_clock import ClockWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/test-clocks", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_TEST_CLOCKS)
_ONE = (TenantRequired, ClockNotFound)


class ClockBody(Body):
    """A clock, and what it shows at first."""

    name: Line = Field(examples=["A year of Initech"])
    now: AwareDatetime | None = Field(
        default=None, description="From now on; now, if it is left out.", examples=["2027-01-01T00:00:00Z"]
    )


class AdvanceBody(Body):
    """What it is to show."""

    to: AwareDatetime = Field(examples=["2028-01-01T00:00:00Z"])


@router.get("", response_model=Answer[Page[SimulatedClock]], responses=problems(TenantRequired))
async def list_test_clocks(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[SimulatedClock]]:
    """Test clocks, newest first."""
    return ok(await world.billing(tenant, lambda uow: uow.clocks.page(cursor=cursor, limit=limit)))


@router.post(
    "", status_code=201, response_model=Answer[SimulatedClock], responses=problems(TenantRequired, ClockInstantInvalid)
)
async def post_test_clock(
    body: ClockBody, tenant: Annotated[TenantId, own_tenant(ADD_TEST_CLOCK)], world: World
) -> Answer[SimulatedClock]:
    """Customers are added with it (`testClockId`), and live in its time from then on."""
    now = utc_now()
    clock = SimulatedClock(id=new_id(ClockId), name=body.name, now=body.now or now, set_at=now, created_at=now)
    return ok(await world.billing(tenant, lambda uow: ClockBooks(uow, tenant, now).add(clock)))


@router.get("/{clock_id}", response_model=Answer[SimulatedClock], responses=problems(*_ONE))
async def get_test_clock(clock_id: ClockId, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[SimulatedClock]:
    """What it shows. While it is advanced, `target` says to where."""
    return ok(await world.billing(tenant, lambda uow: _clock(uow, clock_id)))


@router.get(
    "/{clock_id}/progress", response_model=Answer[ClockProgress], responses=problems(*_ONE, WorkflowsUnavailable)
)
async def get_test_clock_progress(
    clock_id: ClockId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[ClockProgress]:
    """How its last advance stands."""
    clock = await world.billing(tenant, lambda uow: _clock(uow, clock_id))
    before = ClockProgress(status="requested" if clock.target else "idle", to=clock.target)
    return ok(await where_it_stands(world, workflow_id(tenant, clock_id), ClockWorkflow.progress, before=before))


@router.post(
    "/{clock_id}/advance",
    status_code=202,
    response_model=Answer[SimulatedClock],
    responses=problems(*_ONE, ClockAdvancing, ClockInstantInvalid),
)
async def post_advance(
    clock_id: ClockId,
    body: AdvanceBody,
    tenant: Annotated[TenantId, own_tenant(ADVANCE_TEST_CLOCK)],
    world: World,
) -> Answer[SimulatedClock]:
    """Let time go by for its customers: everything that is due by then happens, each thing at its own time."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: ClockBooks(uow, tenant, now).request_advance(clock_id, body.to)))


async def _clock(uow: BillingUnitOfWork, clock_id: ClockId) -> SimulatedClock:
    clock = await uow.clocks.find(clock_id)
    if clock is None:
        raise ClockNotFound
    return clock
