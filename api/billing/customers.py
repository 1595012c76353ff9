"""`/v1/billing/customers`: whom a tenant sells to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import (
    DEFAULT,
    Cursor,
    Email,
    IfMatch,
    IfNoneMatch,
    Limit,
    Line,
    World,
    etag,
    is_known,
    revision_in,
)
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.clock_errors import ClockUnknown
from domain.billing.credit_model import CreditBalance
from domain.billing.credits import CreditBooks
from domain.billing.customer_model import Customer
from domain.billing.entitlement_model import Entitled
from domain.billing.entitlements import entitlements_of
from domain.billing.errors import CustomerExists, CustomerNotFound
from domain.billing.ids import ClockId, CustomerId
from domain.billing.invoice_errors import LegalEntityUnknown, TaxIdInvalid
from domain.billing.legal_entity_model import Address, TaxId
from domain.billing.metering_model import Code
from domain.billing.permissions import ADD_CUSTOMER, CHANGE_CUSTOMER, READ_CREDITS, READ_CUSTOMERS, READ_ENTITLEMENTS
from domain.billing.plan_model import Currency
from domain.billing.service import add_customer, change_customer
from domain.billing.usage_model import Attribute
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.kernel.places import CountryCode, LanguageTag
from domain.kernel.timezones import TimeZone
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/customers", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_CUSTOMERS)
ExternalId = Annotated[Line, Field(description="What your own systems call it.", examples=["C-2041"])]


UsageSubjects = Annotated[
    tuple[Attribute, ...],
    Field(max_length=100, description="What usage may call it besides its ids, such as API keys."),
]


class CustomerBody(Body):
    """Who it is, and how it is charged."""

    name: Line = Field(examples=["Initech"])
    email: Email = Field(examples=["billing@initech.example"])
    currency: Currency
    timezone: TimeZone = "UTC"
    external_id: ExternalId | None = None
    address: Address = ()
    country: CountryCode | None = None
    tax_id: TaxId | None = None
    locale: LanguageTag = "en"
    legal_entity: Code | None = Field(
        default=None, description="Who sells to it; the tenant's first if not given.", examples=["de"]
    )
    usage_subjects: UsageSubjects = ()
    test_clock_id: ClockId | None = Field(
        default=None,
        description="Whose time it lives in, to try something; for ever.",
        examples=["clk_01h455vb4pex5vsknk084sn02q"],
    )


class CustomerChange(Body):
    """What is to change; what is not given stays."""

    name: Line | None = Field(default=None, examples=["Initech"])
    email: Email | None = Field(default=None, examples=["accounts@initech.example"])
    timezone: TimeZone | None = None
    address: Address | None = None
    country: CountryCode | None = None
    tax_id: TaxId | None = None
    locale: LanguageTag | None = None
    legal_entity: Code | None = Field(default=None, examples=["de"])
    usage_subjects: UsageSubjects | None = None


@router.get("", response_model=Answer[Page[Customer]], responses=problems(TenantRequired))
async def list_customers(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    external_id: Annotated[ExternalId | None, Query(alias="externalId")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Customer]]:
    """Customers, newest first."""
    return ok(await world.billing(tenant, lambda uow: uow.customers.page(external_id, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[Customer],
    responses=problems(TenantRequired, CustomerExists, TaxIdInvalid, LegalEntityUnknown, ClockUnknown),
)
async def post_customer(
    body: CustomerBody, tenant: Annotated[TenantId, own_tenant(ADD_CUSTOMER)], world: World, response: Response
) -> Answer[Customer]:
    """Somebody to sell to."""
    now = utc_now()
    customer = Customer(id=new_id(CustomerId), **dict(body), revision=1, created_at=now, updated_at=now)
    added = await world.billing(tenant, lambda uow: add_customer(uow, tenant, customer))
    response.headers["ETag"] = etag(added.revision)
    return ok(added)


@router.get(
    "/{customer_id}",
    response_model=Answer[Customer],
    responses={304: {"description": "You have it."}, **problems(TenantRequired, CustomerNotFound)},
)
async def get_customer(
    customer_id: CustomerId,
    tenant: Annotated[TenantId, _OWN],
    world: World,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Answer[Customer] | Response:
    """One customer; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.customers.get(customer_id))
    tag = etag(found.revision)
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return ok(found)


@router.get(
    "/{customer_id}/entitlements",
    response_model=Answer[list[Entitled]],
    responses=problems(TenantRequired, CustomerNotFound),
)
async def list_entitlements(
    customer_id: CustomerId, tenant: Annotated[TenantId, own_tenant(READ_ENTITLEMENTS)], world: World
) -> Answer[list[Entitled]]:
    """What it may do, by the subscriptions that run, and how much of it it has used."""
    return ok(await world.billing(tenant, lambda uow: entitlements_of(uow, customer_id, utc_now())))


@router.get(
    "/{customer_id}/credit-balance",
    response_model=Answer[CreditBalance],
    responses=problems(TenantRequired, CustomerNotFound),
)
async def get_credit_balance(
    customer_id: CustomerId, tenant: Annotated[TenantId, own_tenant(READ_CREDITS)], world: World
) -> Answer[CreditBalance]:
    """What it has to spend before it pays with money."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: CreditBooks(uow, tenant, new_id, now).balance(customer_id)))


@router.patch(
    "/{customer_id}",
    response_model=Answer[Customer],
    responses=problems(
        TenantRequired,
        CustomerNotFound,
        PreconditionFailed,
        PreconditionRequired,
        TaxIdInvalid,
        LegalEntityUnknown,
    ),
)
async def patch_customer(
    customer_id: CustomerId,
    body: CustomerChange,
    tenant: Annotated[TenantId, own_tenant(CHANGE_CUSTOMER)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[Customer]:
    """Change what is given. Subscriptions keep the time zone they began in, and invoices what they say."""
    revision, changes = revision_in(if_match), body.model_dump(exclude_none=True, by_alias=False)
    changed = await world.billing(
        tenant,
        lambda uow: change_customer(uow, tenant, customer_id, changes, revision=revision, now=utc_now()),
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
