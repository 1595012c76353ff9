"""`/v1/billing/items`: what is sold once, by an invoice of its own or with the next one of a subscription."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, IfMatch, Limit, World, etag, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.metering_model import Code
from domain.billing.permissions import ADD_ITEM, CHANGE_ITEM, READ_ITEMS
from domain.billing.product_errors import ItemExists, ItemNotFound, ProductUnknown
from domain.billing.product_model import OneOffItem, OneOffItemTerms
from domain.billing.products import add_item, change_item
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/items", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_ITEMS)
_ONE = (TenantRequired, ItemNotFound)


class ItemBody(OneOffItemTerms):
    """An item, and what lines call it."""

    code: Code = Field(examples=["training"])


@router.get("", response_model=Answer[Page[OneOffItem]], responses=problems(TenantRequired))
async def list_items(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[OneOffItem]]:
    """Items, by code."""
    return ok(await world.billing(tenant, lambda uow: uow.items.page(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[OneOffItem],
    responses=problems(TenantRequired, ItemExists, ProductUnknown),
)
async def post_item(
    body: ItemBody, tenant: Annotated[TenantId, own_tenant(ADD_ITEM)], world: World, response: Response
) -> Answer[OneOffItem]:
    """It can be sold."""
    now = utc_now()
    item = OneOffItem(**dict(body), revision=1, created_at=now, updated_at=now)
    response.headers["ETag"] = etag(item.revision)
    return ok(await world.billing(tenant, lambda uow: add_item(uow, tenant, item)))


@router.get("/{item_code}", response_model=Answer[OneOffItem], responses=problems(*_ONE))
async def get_item(
    item_code: Code, tenant: Annotated[TenantId, _OWN], world: World, response: Response
) -> Answer[OneOffItem]:
    """One item; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.items.find(item_code))
    if found is None:
        raise ItemNotFound(item=item_code)
    response.headers["ETag"] = etag(found.revision)
    return ok(found)


@router.put(
    "/{item_code}",
    response_model=Answer[OneOffItem],
    responses=problems(*_ONE, ProductUnknown, PreconditionFailed, PreconditionRequired),
)
async def put_item(
    item_code: Code,
    body: OneOffItemTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_ITEM)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[OneOffItem]:
    """Another name or price, for what is sold from now on."""
    revision = revision_in(if_match)
    changed = await world.billing(
        tenant, lambda uow: change_item(uow, tenant, item_code, body, revision=revision, now=utc_now())
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
