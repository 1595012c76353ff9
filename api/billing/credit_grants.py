"""`/v1/billing/credit-grants`: what customers have to spend before they pay with money."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.credit_commands import CreditGrantProgress
from domain.billing.credit_errors import CreditGrantInvalid, CreditGrantNotFound, CreditGrantStepNotPossible
from domain.billing.credit_model import (
    MOST_PRIORITY,
    USUAL_PRIORITY,
    CreditGrant,
    CreditUse,
    GrantStatus,
    GrantTerms,
)
from domain.billing.credit_purchases import buy_credit
from domain.billing.credits import CreditBooks, credit_standing
from domain.billing.errors import CustomerNotFound
from domain.billing.ids import CreditGrantId, CustomerId
from domain.billing.invoice_errors import LegalEntityUnknown
from domain.billing.permissions import GRANT_CREDIT, READ_CREDITS, VOID_CREDIT_GRANT
from domain.billing.prices import Amount
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from workflows.billing.credit_grant import CreditGrantWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/credit-grants", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_CREDITS)
_ONE = (TenantRequired, CreditGrantNotFound)


class CreditGrantBody(Body):
    """How much, for whom, and until when."""

    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02q"])
    kind: Literal["promotional", "prepaid"] = Field(
        default="promotional", description="`prepaid` is invoiced, and can be spent once that is paid."
    )
    amount: Annotated[Decimal, Amount, Field(gt=0)] = Field(
        description="In major units of the customer's currency.", examples=["250.00"]
    )
    name: Line = Field(default="Credit", description="What an invoice for it calls it.", examples=["Prepaid credit"])
    priority: Annotated[int, Field(ge=0, le=MOST_PRIORITY, strict=True)] = Field(
        default=USUAL_PRIORITY, description="Those with a lower number are used first."
    )
    expires_at: Instant | None = Field(default=None, examples=["2028-01-01T00:00:00Z"])


class VoidGrantBody(Body):
    """Why it is taken back."""

    reason: Line = Field(examples=["granted to the wrong customer"])


@router.get("", response_model=Answer[Page[CreditGrant]], responses=problems(TenantRequired))
async def list_credit_grants(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    status: Annotated[GrantStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[CreditGrant]]:
    """Grants of credit, newest first."""
    return ok(
        await world.billing(tenant, lambda uow: uow.credits.page(customer_id, status, cursor=cursor, limit=limit))
    )


@router.post(
    "",
    status_code=201,
    response_model=Answer[CreditGrant],
    responses=problems(TenantRequired, CustomerNotFound, CreditGrantInvalid, LegalEntityUnknown),
)
async def post_credit_grant(
    body: CreditGrantBody, tenant: Annotated[TenantId, own_tenant(GRANT_CREDIT)], world: World
) -> Answer[CreditGrant]:
    """A gift, which can be spent at once, or credit that is bought by the invoice that `invoiceId` names."""
    terms, now = GrantTerms(body.amount, body.name, body.priority, body.expires_at), utc_now()
    if body.kind == "prepaid":
        return ok(
            await world.billing(tenant, lambda uow: buy_credit(uow, tenant, new_id, now, body.customer_id, terms))
        )
    return ok(
        await world.billing(tenant, lambda uow: CreditBooks(uow, tenant, new_id, now).give(body.customer_id, terms))
    )


@router.get("/{credit_grant_id}", response_model=Answer[CreditGrant], responses=problems(*_ONE))
async def get_credit_grant(
    credit_grant_id: CreditGrantId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[CreditGrant]:
    """One grant, and what is left of it."""
    return ok(await world.billing(tenant, lambda uow: uow.credits.get(credit_grant_id)))


@router.get("/{credit_grant_id}/uses", response_model=Answer[list[CreditUse]], responses=problems(*_ONE))
async def list_credit_uses(
    credit_grant_id: CreditGrantId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[list[CreditUse]]:
    """Which invoices were paid with it, oldest first."""
    await world.billing(tenant, lambda uow: uow.credits.get(credit_grant_id))
    return ok(await world.billing(tenant, lambda uow: uow.credits.uses(credit_grant_id)))


@router.get(
    "/{credit_grant_id}/progress",
    response_model=Answer[CreditGrantProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_credit_grant_progress(
    credit_grant_id: CreditGrantId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[CreditGrantProgress]:
    """When it expires; the process of one that does not is none."""
    there = await world.billing(tenant, lambda uow: uow.credits.get(credit_grant_id))
    id_ = workflow_id(tenant, credit_grant_id)
    return ok(await where_it_stands(world, id_, CreditGrantWorkflow.progress, before=credit_standing(there)))


@router.post(
    "/{credit_grant_id}/void", response_model=Answer[CreditGrant], responses=problems(*_ONE, CreditGrantStepNotPossible)
)
async def post_credit_grant_void(
    credit_grant_id: CreditGrantId,
    body: VoidGrantBody,
    tenant: Annotated[TenantId, own_tenant(VOID_CREDIT_GRANT)],
    world: World,
) -> Answer[CreditGrant]:
    """Take back what is left of a gift."""
    return ok(
        await world.billing(
            tenant, lambda uow: CreditBooks(uow, tenant, new_id, utc_now()).void(credit_grant_id, body.reason)
        )
    )
