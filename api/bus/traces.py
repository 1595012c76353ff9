"""`/v1/bus/traces`: one story, from the event that began it through workflows and activities to its last event."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.bus.traces import Trace, TraceReader
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.bus.errors import TraceNotFound
from domain.bus.permissions import READ_TRACES
from domain.kernel.ids import TenantId

router = APIRouter(prefix="/v1/bus/traces", tags=["bus"], route_class=Route)


@router.get("/{correlation_id}", response_model=Answer[Trace], responses=problems(TraceNotFound))
async def get_trace(
    correlation_id: Line,
    tenant: Annotated[TenantId | None, visible_tenant(READ_TRACES)],
    world: World,
) -> Answer[Trace]:
    """The tree of causes. Without the workflow service its workflows are left out, and `complete` is false."""
    return ok(await TraceReader(world.events, world.temporal).trace(tenant, correlation_id))
