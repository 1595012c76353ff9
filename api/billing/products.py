"""`/v1/billing/products`: what a tenant sells, whatever plans and items it is sold in."""

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
from domain.billing.permissions import ADD_PRODUCT, CHANGE_PRODUCT, READ_PRODUCTS
from domain.billing.product_errors import ProductExists, ProductNotFound
from domain.billing.product_model import Product, ProductTerms
from domain.billing.products import add_product, change_product
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/products", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_PRODUCTS)
_ONE = (TenantRequired, ProductNotFound)


class ProductBody(ProductTerms):
    """A product, and what plans and items call it."""

    code: Code = Field(examples=["harbour-map"])


@router.get("", response_model=Answer[Page[Product]], responses=problems(TenantRequired))
async def list_products(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[Product]]:
    """Products, by code."""
    return ok(await world.billing(tenant, lambda uow: uow.products.page(cursor=cursor, limit=limit)))


@router.post("", status_code=201, response_model=Answer[Product], responses=problems(TenantRequired, ProductExists))
async def post_product(
    body: ProductBody, tenant: Annotated[TenantId, own_tenant(ADD_PRODUCT)], world: World, response: Response
) -> Answer[Product]:
    """Plans and items may belong to it, and coupons be for it."""
    now = utc_now()
    product = Product(**dict(body), revision=1, created_at=now, updated_at=now)
    response.headers["ETag"] = etag(product.revision)
    return ok(await world.billing(tenant, lambda uow: add_product(uow, tenant, product)))


@router.get("/{product_code}", response_model=Answer[Product], responses=problems(*_ONE))
async def get_product(
    product_code: Code, tenant: Annotated[TenantId, _OWN], world: World, response: Response
) -> Answer[Product]:
    """One product; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.products.find(product_code))
    if found is None:
        raise ProductNotFound(product=product_code)
    response.headers["ETag"] = etag(found.revision)
    return ok(found)


@router.put(
    "/{product_code}",
    response_model=Answer[Product],
    responses=problems(*_ONE, PreconditionFailed, PreconditionRequired),
)
async def put_product(
    product_code: Code,
    body: ProductTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_PRODUCT)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[Product]:
    """Call it otherwise."""
    revision = revision_in(if_match)
    changed = await world.billing(
        tenant, lambda uow: change_product(uow, tenant, product_code, body, revision=revision, now=utc_now())
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
