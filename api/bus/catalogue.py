"""`/v1/bus/catalogue`: every event type, its JSON Schema, and the AsyncAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from api.envelope import API_VERSION, Answer, ok
from api.parameters import Line, World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.bus.documents import asyncapi, json_schema
from domain.bus.errors import UnknownEventType
from domain.bus.event import EventType
from domain.bus.permissions import READ_EVENT_TYPES
from domain.catalogue import CATALOGUE
from domain.security.model import Principal

router = APIRouter(prefix="/v1/bus/catalogue", tags=["bus"], route_class=Route)


@router.get("", response_model=Answer[list[EventType]])
async def list_event_types(_: Annotated[Principal, may(READ_EVENT_TYPES)]) -> Answer[list[EventType]]:
    """Every event type with version, publisher and readers."""
    return ok([cls.about for cls in CATALOGUE])


@router.get("/asyncapi.json", response_model=dict[str, Any])
async def get_asyncapi(_: Annotated[Principal, may(READ_EVENT_TYPES)], world: World) -> dict[str, Any]:
    """The AsyncAPI 3 document; not in the envelope, so that tools can read it."""
    return asyncapi(CATALOGUE, version=API_VERSION, server_url=world.settings.nats_url)


@router.get("/{type}/schema.json", response_model=dict[str, Any], responses=problems(UnknownEventType))
async def get_schema(
    type: Line,
    _: Annotated[Principal, may(READ_EVENT_TYPES)],
    response: Response,
) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event type's data; not in the envelope, so that tools can read it."""
    response.headers["Content-Type"] = "application/json"
    return json_schema(CATALOGUE.get(type))
