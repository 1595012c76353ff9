"""`/v1/billing/webhook-endpoints`: where a tenant wants to be told what billing announces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import IfMatch, World, etag, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.ids import WebhookEndpointId
from domain.billing.permissions import (
    ADD_WEBHOOK_ENDPOINT,
    CHANGE_WEBHOOK_ENDPOINT,
    READ_WEBHOOKS,
    REMOVE_WEBHOOK_ENDPOINT,
    REPLAY_WEBHOOKS,
    ROTATE_WEBHOOK_SECRET,
)
from domain.billing.ports import BillingUnitOfWork
from domain.billing.webhook_commands import WebhookProgress
from domain.billing.webhook_errors import (
    WebhookEndpointInvalid,
    WebhookEndpointNotFound,
    WebhookEndpointsTooMany,
)
from domain.billing.webhook_model import WebhookEndpoint, WebhookEndpointTerms
from domain.billing.webhook_signing import secret_text
from domain.billing.webhooks import WebhookBooks
from domain.kernel.errors import PreconditionFailed, PreconditionRequired, WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.payload import Body, Payload
from domain.security.errors import TenantRequired
from workflows.billing.webhook_endpoint import WebhookEndpointWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/webhook-endpoints", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_WEBHOOKS)
_ONE = (TenantRequired, WebhookEndpointNotFound)


class AddedEndpoint(WebhookEndpoint):
    """The endpoint, and what its messages are signed with, which is shown this once."""

    secret: str | None = Field(
        description="Null in the answer to a repeated request: it is not kept.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        json_schema_extra={"format": "password"},
    )


class RotationBody(Body):
    """For how long messages are signed with the old secret too."""

    overlap_hours: Annotated[int, Field(ge=0, le=168, strict=True)] = 24


class ReplayBody(Body):
    """What was queued in this time."""

    since: Instant = Field(examples=["2027-01-01T00:00:00Z"])
    until: Instant | None = Field(default=None, description="Exclusive; now, if left out.")


class Replayed(Payload):
    """How many messages are sent once more."""

    queued: int


@router.get("", response_model=Answer[list[WebhookEndpoint]], responses=problems(TenantRequired))
async def list_webhook_endpoints(tenant: Annotated[TenantId, _OWN], world: World) -> Answer[list[WebhookEndpoint]]:
    """All there are, oldest first."""
    return ok(await world.billing(tenant, lambda uow: uow.webhooks.endpoints()))


@router.post(
    "",
    status_code=201,
    response_model=Answer[AddedEndpoint],
    responses=problems(TenantRequired, WebhookEndpointInvalid, WebhookEndpointsTooMany),
)
async def post_webhook_endpoint(
    body: WebhookEndpointTerms, tenant: Annotated[TenantId, own_tenant(ADD_WEBHOOK_ENDPOINT)], world: World
) -> Answer[AddedEndpoint]:
    """Tell it what happens from now on. The answer has the secret that messages are signed with."""
    _sendable(world, body)
    return ok(await _with_secret(world, tenant, lambda books: books.add(body)))


@router.get("/{endpoint_id}", response_model=Answer[WebhookEndpoint], responses=problems(*_ONE))
async def get_webhook_endpoint(
    endpoint_id: WebhookEndpointId, tenant: Annotated[TenantId, _OWN], world: World, response: Response
) -> Answer[WebhookEndpoint]:
    """One; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.webhooks.get(endpoint_id))
    response.headers["ETag"] = etag(found.revision)
    return ok(found)


@router.get(
    "/{endpoint_id}/progress",
    response_model=Answer[WebhookProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_webhook_endpoint_progress(
    endpoint_id: WebhookEndpointId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[WebhookProgress]:
    """How many messages wait, and when the next is sent."""
    now = utc_now()

    async def standing(books: WebhookBooks) -> WebhookProgress:
        return await books.progress(await books.uow.webhooks.get(endpoint_id))

    before = await world.billing(tenant, lambda uow: standing(WebhookBooks(uow, tenant, new_id, now)))
    id_ = workflow_id(tenant, endpoint_id)
    return ok(await where_it_stands(world, id_, WebhookEndpointWorkflow.progress, before=before))


@router.put(
    "/{endpoint_id}",
    response_model=Answer[WebhookEndpoint],
    responses=problems(*_ONE, WebhookEndpointInvalid, PreconditionFailed, PreconditionRequired),
)
async def put_webhook_endpoint(
    endpoint_id: WebhookEndpointId,
    body: WebhookEndpointTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_WEBHOOK_ENDPOINT)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[WebhookEndpoint]:
    """Another place, or other events. One that was disabled is sent what waits, once it is enabled again."""
    revision = revision_in(if_match)
    _sendable(world, body)
    now = utc_now()
    changed = await world.billing(
        tenant, lambda uow: WebhookBooks(uow, tenant, new_id, now).change(endpoint_id, body, revision=revision)
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)


@router.delete("/{endpoint_id}", status_code=204, response_class=Response, responses=problems(*_ONE))
async def delete_webhook_endpoint(
    endpoint_id: WebhookEndpointId, tenant: Annotated[TenantId, own_tenant(REMOVE_WEBHOOK_ENDPOINT)], world: World
) -> Response:
    """Send nothing more; what was sent stays in the log."""
    now = utc_now()
    await world.billing(tenant, lambda uow: WebhookBooks(uow, tenant, new_id, now).remove(endpoint_id))
    return Response(status_code=204)


@router.post("/{endpoint_id}/rotate-secret", response_model=Answer[AddedEndpoint], responses=problems(*_ONE))
async def post_rotation(
    endpoint_id: WebhookEndpointId,
    body: RotationBody,
    tenant: Annotated[TenantId, own_tenant(ROTATE_WEBHOOK_SECRET)],
    world: World,
) -> Answer[AddedEndpoint]:
    """Sign with a new secret, which the answer shows this once, and for a while with the old one too."""
    overlap = timedelta(hours=body.overlap_hours)
    return ok(await _with_secret(world, tenant, lambda books: books.rotate(endpoint_id, overlap)))


@router.post("/{endpoint_id}/test", status_code=202, response_model=Answer[None], responses=problems(*_ONE))
async def post_test(
    endpoint_id: WebhookEndpointId, tenant: Annotated[TenantId, own_tenant(REPLAY_WEBHOOKS)], world: World
) -> Answer[None]:
    """Send it a `billing.webhook.tested` of its own."""
    now = utc_now()
    await world.billing(tenant, lambda uow: WebhookBooks(uow, tenant, new_id, now).test(endpoint_id))
    return ok(None)


@router.post("/{endpoint_id}/replay", status_code=202, response_model=Answer[Replayed], responses=problems(*_ONE))
async def post_replay(
    endpoint_id: WebhookEndpointId,
    body: ReplayBody,
    tenant: Annotated[TenantId, own_tenant(REPLAY_WEBHOOKS)],
    world: World,
) -> Answer[Replayed]:
    """Send once more what was queued in this time, with the same ids: who has taken a message may know it."""
    now = utc_now()

    async def replayed(uow: BillingUnitOfWork) -> Replayed:
        books = WebhookBooks(uow, tenant, new_id, now)
        return Replayed(queued=await books.replay(endpoint_id, body.since, body.until or now))

    return ok(await world.billing(tenant, replayed))


def _sendable(world: Container, terms: WebhookEndpointTerms) -> None:
    """Raises WebhookEndpointInvalid."""
    if not world.webhook_sender.is_sendable(terms.url):
        raise WebhookEndpointInvalid(url=terms.url)


async def _with_secret(
    world: Container, tenant: TenantId, step: Callable[[WebhookBooks], Awaitable[WebhookEndpoint]]
) -> AddedEndpoint:
    now = utc_now()

    async def shown(uow: BillingUnitOfWork) -> AddedEndpoint:
        endpoint = await step(WebhookBooks(uow, tenant, new_id, now))
        secret = world.webhook_secrets.of(tenant, endpoint.id, endpoint.secret_generation)
        return AddedEndpoint(**dict(endpoint), secret=secret_text(secret))

    return await world.billing(tenant, shown)
