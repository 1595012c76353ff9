"""`/v1/bus/events`: what happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.bus.errors import EventNotFound
from domain.bus.event import EventId, RecordedEvent
from domain.bus.permissions import READ_EVENTS
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page

router = APIRouter(prefix="/v1/bus/events", tags=["bus"], route_class=Route)


@router.get("", response_model=Answer[Page[RecordedEvent]])
async def list_events(  # noqa: PLR0913, PLR0917 - each is a filter
    tenant: Annotated[TenantId | None, visible_tenant(READ_EVENTS)],
    world: World,
    type: Annotated[list[Line], Query(max_length=20, description="Event types; repeat for several.")] = [],  # noqa: B006
    subject: Annotated[Line | None, Query(description="The id of the thing the events are about.")] = None,
    correlation_id: Annotated[Line | None, Query(alias="correlationId")] = None,
    since: Annotated[Instant | None, Query(description="Events at or after this instant.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[RecordedEvent]]:
    """Events, newest first."""
    return ok(
        await world.events.page(
            tenant, types=type, subject=subject, correlation_id=correlation_id, since=since, cursor=cursor, limit=limit
        )
    )


@router.get("/{event_id}", response_model=Answer[RecordedEvent], responses=problems(EventNotFound))
async def get_event(
    event_id: EventId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_EVENTS)],
    world: World,
) -> Answer[RecordedEvent]:
    """One event."""
    return ok(await world.events.get(tenant, event_id))
