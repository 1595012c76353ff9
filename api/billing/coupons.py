"""`/v1/billing/coupons`: what lessens invoices, by how much, and for how many of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, IfMatch, Limit, World, etag, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.coupon_errors import CouponExists, CouponNotFound
from domain.billing.coupon_model import Coupon, CouponTerms
from domain.billing.coupons import CouponBooks
from domain.billing.metering_model import Code
from domain.billing.permissions import ADD_COUPON, CHANGE_COUPON, READ_COUPONS
from domain.billing.product_errors import ProductUnknown
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/coupons", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_COUPONS)
_ONE = (TenantRequired, CouponNotFound)


class CouponBody(CouponTerms):
    """A coupon, and what customers call it by."""

    code: Code = Field(examples=["welcome"])


@router.get("", response_model=Answer[Page[Coupon]], responses=problems(TenantRequired))
async def list_coupons(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[Coupon]]:
    """Coupons, by code."""
    return ok(await world.billing(tenant, lambda uow: uow.coupons.page(cursor=cursor, limit=limit)))


@router.post(
    "", status_code=201, response_model=Answer[Coupon], responses=problems(TenantRequired, CouponExists, ProductUnknown)
)
async def post_coupon(
    body: CouponBody, tenant: Annotated[TenantId, own_tenant(ADD_COUPON)], world: World, response: Response
) -> Answer[Coupon]:
    """It can be redeemed from now on."""
    now = utc_now()
    coupon = Coupon(**dict(body), revision=1, created_at=now, updated_at=now)
    response.headers["ETag"] = etag(coupon.revision)
    return ok(await world.billing(tenant, lambda uow: CouponBooks(uow, tenant, new_id, now).add(coupon)))


@router.get("/{coupon_code}", response_model=Answer[Coupon], responses=problems(*_ONE))
async def get_coupon(
    coupon_code: Code, tenant: Annotated[TenantId, _OWN], world: World, response: Response
) -> Answer[Coupon]:
    """One coupon; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.coupons.find(coupon_code))
    if found is None:
        raise CouponNotFound(coupon=coupon_code)
    response.headers["ETag"] = etag(found.revision)
    return ok(found)


@router.put(
    "/{coupon_code}",
    response_model=Answer[Coupon],
    responses=problems(*_ONE, ProductUnknown, PreconditionFailed, PreconditionRequired),
)
async def put_coupon(
    coupon_code: Code,
    body: CouponTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_COUPON)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[Coupon]:
    """Other terms, for those who redeem it from now on."""
    revision = revision_in(if_match)
    changed = await world.billing(
        tenant, lambda uow: CouponBooks(uow, tenant, new_id, utc_now()).change(coupon_code, body, revision=revision)
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
