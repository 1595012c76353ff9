"""`/v1/security/exchange-keys`: keys that outsiders encrypt for you with."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body, Payload
from domain.security.envelope import NONCE_BYTES
from domain.security.errors import MasterKeyUnavailable, TenantRequired
from domain.security.exchange import create, generate, revoke
from domain.security.exchange_errors import ExchangeKeyNotFound
from domain.security.ids import ExchangeKeyId
from domain.security.key_model import ExchangeKey
from domain.security.permissions import CREATE_EXCHANGE_KEY, READ_EXCHANGE_KEYS, REVOKE_EXCHANGE_KEY

router = APIRouter(prefix="/v1/security/exchange-keys", tags=["security"], route_class=Route)


class ExchangeKeyView(Payload):
    """A key pair, without its private half. Give `public`, a JWK, to whom you like."""

    id: ExchangeKeyId
    name: str
    public: dict[str, Any]
    created_at: datetime
    revoked_at: datetime | None


class ExchangeKeyBody(Body):
    """What it is for."""

    name: Line = Field(examples=["the auditors"])


@router.get("", response_model=Answer[Page[ExchangeKeyView]], responses=problems(TenantRequired))
async def list_exchange_keys(
    tenant: Annotated[TenantId, own_tenant(READ_EXCHANGE_KEYS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[ExchangeKeyView]]:
    """Newest first, revoked ones as well."""
    page = await world.security(None, lambda uow: uow.exchange_keys.page(tenant, cursor=cursor, limit=limit))
    return ok(Page(items=[_view(key) for key in page.items], next_cursor=page.next_cursor))


@router.post(
    "",
    status_code=201,
    response_model=Answer[ExchangeKeyView],
    responses=problems(TenantRequired, MasterKeyUnavailable),
)
async def post_exchange_key(
    body: ExchangeKeyBody, tenant: Annotated[TenantId, own_tenant(CREATE_EXCHANGE_KEY)], world: World
) -> Answer[ExchangeKeyView]:
    """Make an RSA key pair of 3,072 bits, for RSA-OAEP-256. The private half stays here, sealed under your data key."""
    key_id, cipher = new_id(ExchangeKeyId), await world.keys.cipher(tenant)
    public, private = await asyncio.to_thread(generate, key_id)
    sealed = cipher.seal(private, nonce=os.urandom(NONCE_BYTES), context=key_id.encode())
    key = ExchangeKey(id=key_id, tenant_id=tenant, name=body.name, public=public, sealed=sealed, created_at=utc_now())
    await world.security(tenant, lambda uow: create(uow, key))
    return ok(_view(key))


@router.post(
    "/{exchange_key_id}/revoke",
    response_model=Answer[ExchangeKeyView],
    responses=problems(TenantRequired, ExchangeKeyNotFound),
)
async def post_revoke(
    exchange_key_id: ExchangeKeyId, tenant: Annotated[TenantId, own_tenant(REVOKE_EXCHANGE_KEY)], world: World
) -> Answer[ExchangeKeyView]:
    """Destroy the private half. Messages that were made with the public one are lost."""
    return ok(_view(await world.security(tenant, lambda uow: revoke(uow, tenant, exchange_key_id, now=utc_now()))))


def _view(key: ExchangeKey) -> ExchangeKeyView:
    return ExchangeKeyView(**{name: getattr(key, name) for name in ExchangeKeyView.model_fields})
