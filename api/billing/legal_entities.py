"""`/v1/billing/legal-entities`: who of a tenant's sells, and how it invoices."""

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
from domain.billing.invoice_errors import LegalEntityExists, LegalEntityNotFound, TaxIdInvalid
from domain.billing.legal_entity_model import LegalEntity, LegalEntityTerms
from domain.billing.metering_model import Code
from domain.billing.permissions import ADD_LEGAL_ENTITY, CHANGE_LEGAL_ENTITY, READ_LEGAL_ENTITIES
from domain.billing.service import add_legal_entity, change_legal_entity
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/legal-entities", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_LEGAL_ENTITIES)


class LegalEntityBody(LegalEntityTerms):
    """Who sells, and what customers call it by."""

    code: Code = Field(examples=["de"])


@router.get("", response_model=Answer[Page[LegalEntity]], responses=problems(TenantRequired))
async def list_legal_entities(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[LegalEntity]]:
    """Legal entities, by code."""
    return ok(await world.billing(tenant, lambda uow: uow.legal_entities.page(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[LegalEntity],
    responses=problems(TenantRequired, LegalEntityExists, TaxIdInvalid),
)
async def post_legal_entity(
    body: LegalEntityBody, tenant: Annotated[TenantId, own_tenant(ADD_LEGAL_ENTITY)], world: World, response: Response
) -> Answer[LegalEntity]:
    """Sell by it. The first one sells unless a customer names another; without any, lines wait for an invoice."""
    now = utc_now()
    entity = LegalEntity(**dict(body), revision=1, created_at=now, updated_at=now)
    response.headers["ETag"] = etag(entity.revision)
    return ok(await world.billing(tenant, lambda uow: add_legal_entity(uow, tenant, entity)))


@router.get(
    "/{legal_entity}", response_model=Answer[LegalEntity], responses=problems(TenantRequired, LegalEntityNotFound)
)
async def get_legal_entity(
    legal_entity: Code, tenant: Annotated[TenantId, _OWN], world: World, response: Response
) -> Answer[LegalEntity]:
    """One; its ETag is what a change must send back."""
    found = await world.billing(tenant, lambda uow: uow.legal_entities.get(legal_entity))
    response.headers["ETag"] = etag(found.revision)
    return ok(found)


@router.put(
    "/{legal_entity}",
    response_model=Answer[LegalEntity],
    responses=problems(TenantRequired, LegalEntityNotFound, TaxIdInvalid, PreconditionFailed, PreconditionRequired),
)
async def put_legal_entity(
    legal_entity: Code,
    body: LegalEntityTerms,
    tenant: Annotated[TenantId, own_tenant(CHANGE_LEGAL_ENTITY)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[LegalEntity]:
    """Other terms, for invoices that become final from now on; what is final keeps the old ones."""
    revision = revision_in(if_match)
    changed = await world.billing(
        tenant,
        lambda uow: change_legal_entity(uow, tenant, legal_entity, body, revision=revision, now=utc_now()),
    )
    response.headers["ETag"] = etag(changed.revision)
    return ok(changed)
