"""`/v1/security/api-keys`: the keys callers come in with."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.authorization import principal_of
from api.envelope import Answer, ok
from api.idempotency import OptionalIdempotencyKey, keyed, replay
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import may, own_tenant, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import Forbidden, IdempotencyKeyReused
from domain.kernel.idempotency import AlreadyAnswered
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page
from domain.kernel.payload import Body, Payload
from domain.kernel.permissions import Scope
from domain.security.errors import (
    ApiKeyAlreadyClaimed,
    ApiKeyNotFound,
    ApiKeyNotRotatable,
    ScopeMissing,
    TenantNotFound,
    TenantRequired,
)
from domain.security.ids import ApiKeyId
from domain.security.model import ApiKey, Principal, RevealedApiKey
from domain.security.permissions import (
    CREATE_API_KEY,
    READ_API_KEYS,
    READ_OWN_API_KEY,
    REVEAL_API_KEY,
    REVOKE_API_KEY,
    ROTATE_API_KEY,
)
from domain.security.service import create_api_key, reveal_api_key, revoke_api_key, rotate_api_key
from domain.security.tokens import SECRET_BYTES

router = APIRouter(prefix="/v1/security/api-keys", tags=["security"], route_class=Route)


class ApiKeyBody(Body):
    """What the key is for."""

    label: Line = Field(examples=["nightly import"])
    scopes: tuple[Scope, ...] = Field(default=(Scope.READ,), min_length=1, max_length=3)
    expires_at: Instant | None = Field(default=None, description="After this instant it is refused.")


class NewApiKey(Payload):
    """A fresh key. The secret is shown this once; a repeat under the same Idempotency-Key has null there."""

    id: ApiKeyId
    secret: str | None


class RevokeBody(Body):
    """Why it is revoked."""

    reason: Line = Field(default="revoked on request")


class RotateBody(Body):
    """How long both keys work."""

    overlap_seconds: int = Field(
        default=86_400, ge=0, le=30 * 86_400, description="The old key works so much longer, and then no more."
    )


class CurrentKey(Payload):
    """Who you are, as far as the platform can tell."""

    key_id: ApiKeyId
    tenant_id: TenantId | None
    scopes: list[Scope]


@router.get("/current", response_model=Answer[CurrentKey], responses=problems(ApiKeyNotFound))
async def get_current_key(reader: Annotated[Principal, may(READ_OWN_API_KEY)]) -> Answer[CurrentKey]:
    """The key this request came with; `GET /v1/security/me` also knows people."""
    if not isinstance(reader.id, ApiKeyId):
        raise ApiKeyNotFound("this request came with something else than a key")
    return ok(CurrentKey.trusted(key_id=reader.id, tenant_id=reader.tenant_id, scopes=sorted(reader.scopes)))


@router.get("", response_model=Answer[Page[ApiKey]])
async def list_api_keys(
    tenant: Annotated[TenantId | None, visible_tenant(READ_API_KEYS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[ApiKey]]:
    """Keys, newest first; never their secrets."""
    return ok(await world.security(tenant, lambda uow: uow.api_keys.page(tenant, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[NewApiKey],
    responses=problems(ScopeMissing, TenantRequired, TenantNotFound, IdempotencyKeyReused),
)
async def post_api_key(
    body: ApiKeyBody,
    tenant: Annotated[TenantId, own_tenant(CREATE_API_KEY)],
    world: World,
    request: Request,
    key: OptionalIdempotencyKey = None,
) -> Answer[NewApiKey] | Response:
    """Make a key for the tenant."""
    if Scope.OPERATOR in body.scopes:
        raise ScopeMissing("a tenant's key cannot be an operator's", scope=Scope.OPERATOR)
    caller: Principal = principal_of(request)
    identified = keyed(request, caller, key, body) if key else None

    async def work(uow: Any) -> RevealedApiKey:
        made = await create_api_key(
            uow,
            tenant,
            key_id=new_id(ApiKeyId),
            label=body.label,
            scopes=body.scopes,
            expires_at=body.expires_at,
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        )
        if identified is not None:
            # The secret is not kept: a repeat learns the id and that the secret was shown before.
            await uow.answers.keep(identified, status=201, answer={"id": made.id, "secret": None})
        return made

    try:
        made = await world.security(tenant, work)
    except AlreadyAnswered:
        assert identified is not None
        return await replay(world.database, identified)
    return ok(NewApiKey(id=made.id, secret=made.secret))


@router.post(
    "/{api_key_id}/reveal",
    response_model=Answer[RevealedApiKey],
    responses=problems(ScopeMissing, ApiKeyNotFound, ApiKeyAlreadyClaimed),
)
async def reveal(
    api_key_id: ApiKeyId,
    admin: Annotated[Principal, may(REVEAL_API_KEY)],
    world: World,
) -> Answer[RevealedApiKey]:
    """Show the secret of a key that onboarding made; possible once."""
    owner = await _owner(world, admin, api_key_id)
    return ok(
        await world.security(
            owner, lambda uow: reveal_api_key(uow, owner, api_key_id, randomness=os.urandom(SECRET_BYTES))
        )
    )


@router.post(
    "/{api_key_id}/rotate",
    status_code=201,
    response_model=Answer[RevealedApiKey],
    responses=problems(ScopeMissing, ApiKeyNotFound, ApiKeyNotRotatable),
)
async def rotate(
    api_key_id: ApiKeyId,
    body: RotateBody,
    admin: Annotated[Principal, may(ROTATE_API_KEY)],
    world: World,
) -> Answer[RevealedApiKey]:
    """Make a successor with the same label and scopes, and show its secret; both work until the overlap ends."""
    owner = await _owner(world, admin, api_key_id)
    successor = await world.security(
        owner,
        lambda uow: rotate_api_key(
            uow,
            owner,
            api_key_id,
            successor=new_id(ApiKeyId),
            overlap=timedelta(seconds=body.overlap_seconds),
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        ),
    )
    world.revocations.tell(api_key_id)
    return ok(successor)


@router.post(
    "/{api_key_id}/revoke", response_model=Answer[ApiKey], responses=problems(ScopeMissing, ApiKeyNotFound, Forbidden)
)
async def revoke(
    api_key_id: ApiKeyId,
    body: RevokeBody,
    admin: Annotated[Principal, may(REVOKE_API_KEY)],
    world: World,
) -> Answer[ApiKey]:
    """Make a key useless, from the next request on."""
    if api_key_id == admin.id:
        raise Forbidden("a key cannot revoke itself", hint="Use another admin key.")
    owner = await _owner(world, admin, api_key_id)
    revoked = await world.security(
        owner, lambda uow: revoke_api_key(uow, owner, api_key_id, reason=body.reason, now=utc_now())
    )
    world.revocations.tell(api_key_id)
    return ok(revoked)


async def _owner(world: World, caller: Principal, key_id: ApiKeyId) -> TenantId | None:
    """Whose key it is; callers other than the operator find only their own tenant's."""
    asking = None if caller.is_operator else caller.tenant_id
    key = await world.security(asking, lambda uow: uow.api_keys.get(asking, key_id))
    return key.tenant_id
