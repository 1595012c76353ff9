"""`/v1/billing/payments`: every attempt to collect, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.collecting import payment_standing
from domain.billing.ids import CustomerId, InvoiceId, PaymentId
from domain.billing.payment_commands import PaymentProgress
from domain.billing.payment_errors import PaymentNotFound, PaymentStepNotPossible
from domain.billing.payment_model import Payment, PaymentStatus
from domain.billing.payments import PaymentBooks
from domain.billing.permissions import CANCEL_PAYMENT, READ_PAYMENTS
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired
from workflows.billing.payment import PaymentWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/payments", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_PAYMENTS)
_ONE = (TenantRequired, PaymentNotFound)


@router.get("", response_model=Answer[Page[Payment]], responses=problems(TenantRequired))
async def list_payments(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    invoice_id: Annotated[InvoiceId | None, Query(alias="invoiceId")] = None,
    status: Annotated[PaymentStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Payment]]:
    """Payments, newest first."""
    return ok(
        await world.billing(
            tenant, lambda uow: uow.payments.page(customer_id, invoice_id, status, cursor=cursor, limit=limit)
        )
    )


@router.get("/{payment_id}", response_model=Answer[Payment], responses=problems(*_ONE))
async def get_payment(payment_id: PaymentId, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[Payment]:
    """One payment. `unknown` means that it was sent and no answer came: it is asked after, not sent again."""
    return ok(await world.billing(tenant, lambda uow: uow.payments.get(payment_id)))


@router.get(
    "/{payment_id}/progress",
    response_model=Answer[PaymentProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_payment_progress(
    payment_id: PaymentId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[PaymentProgress]:
    """What its process does next, when, and why."""
    there = await world.billing(tenant, lambda uow: uow.payments.get(payment_id))
    id_ = workflow_id(tenant, payment_id)
    return ok(await where_it_stands(world, id_, PaymentWorkflow.progress, before=payment_standing(there)))


@router.post(
    "/{payment_id}/cancel",
    status_code=202,
    response_model=Answer[Payment],
    responses=problems(*_ONE, PaymentStepNotPossible),
)
async def post_cancellation(
    payment_id: PaymentId, tenant: Annotated[TenantId, own_tenant(CANCEL_PAYMENT)], world: World
) -> Answer[Payment]:
    """Have the provider drop it, unless money moves first. What is true then, its process finds out."""
    return ok(await world.billing(tenant, lambda uow: PaymentBooks(uow, tenant, new_id, utc_now()).cancel(payment_id)))
