"""`/v1/billing/invoices`: what a tenant's customers owe, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field, StrictBool

from adapters.billing.e_invoice import invoice_pdf, invoice_xml
from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.billing.line_bodies import LineBodies, wanted_lines
from api.billing.papers import PDF, XML, WantedSyntax, pdf, xml
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import tell_of_change, where_it_stands
from api.routes import KeyedRoute
from domain.billing.e_invoicing import Syntax, with_credit_applied
from domain.billing.errors import CustomerNotFound
from domain.billing.events import PaymentMethod
from domain.billing.ids import CustomerId, InvoiceId, PaymentMethodId, SubscriptionId
from domain.billing.invoice_commands import InvoiceProgress
from domain.billing.invoice_errors import (
    EInvoiceNotPossible,
    InvoiceNotFound,
    InvoiceStepNotPossible,
    LegalEntityUnknown,
)
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoices import InvoiceBooks, invoice_standing
from domain.billing.one_off import OneOffBooks
from domain.billing.payment_errors import PaymentMethodMissing, PaymentMethodNotFound, PaymentUnderWay
from domain.billing.payment_model import Payment
from domain.billing.payments import PaymentBooks
from domain.billing.permissions import (
    COLLECT_INVOICE,
    DRAFT_INVOICE,
    FINALIZE_INVOICE,
    MARK_INVOICE_PAID,
    READ_INVOICES,
    VOID_INVOICE,
    WRITE_OFF_INVOICE,
)
from domain.billing.product_errors import ItemUnknown, LineInvalid
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from workflows.billing.invoice import InvoiceWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/invoices", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_INVOICES)
_ONE = (TenantRequired, InvoiceNotFound)
_STEP = problems(*_ONE, InvoiceStepNotPossible, PaymentUnderWay)


class InvoiceBody(Body):
    """What is charged, and to whom."""

    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02q"])
    lines: LineBodies
    finalize: StrictBool = Field(default=False, description="Now, and not after the legal entity's time for drafts.")


class VoidInvoiceBody(Body):
    """Why it is not owed."""

    reason: Line = Field(examples=["billed to the wrong company"])


class WriteOffBody(Body):
    """Why nobody expects that it will be paid."""

    reason: Line = Field(examples=["the customer is insolvent"])


class CollectBody(Body):
    """By which payment method; by the customer's default, if none is named."""

    payment_method_id: PaymentMethodId | None = Field(default=None, examples=["pmt_01h455vb4pex5vsknk084sn02q"])


class PaidBody(Body):
    """How it was paid."""

    method: PaymentMethod = Field(examples=["bank_transfer"])


@router.get("", response_model=Answer[Page[Invoice]], responses=problems(TenantRequired))
async def list_invoices(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    subscription_id: Annotated[SubscriptionId | None, Query(alias="subscriptionId")] = None,
    status: Annotated[InvoiceStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Invoice]]:
    """Invoices, newest first."""
    return ok(
        await world.billing(
            tenant,
            lambda uow: uow.invoices.page(customer_id, subscription_id, status, cursor=cursor, limit=limit),
        )
    )


@router.post(
    "",
    status_code=201,
    response_model=Answer[Invoice],
    responses=problems(TenantRequired, CustomerNotFound, ItemUnknown, LineInvalid, LegalEntityUnknown),
)
async def post_invoice(
    body: InvoiceBody, tenant: Annotated[TenantId, own_tenant(DRAFT_INVOICE)], world: World
) -> Answer[Invoice]:
    """An invoice for these lines alone. It is a draft for a while, unless it is to be final at once."""
    lines = wanted_lines(body.lines)
    return ok(
        await world.billing(
            tenant,
            lambda uow: OneOffBooks(uow, tenant, new_id, utc_now()).draft(body.customer_id, lines, final=body.finalize),
        )
    )


@router.get("/{invoice_id}", response_model=Answer[Invoice], responses=problems(*_ONE))
async def get_invoice(invoice_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[Invoice]:
    """One invoice; every line says how it was reckoned."""
    return ok(await world.billing(tenant, lambda uow: uow.invoices.get(invoice_id)))


@router.get("/{invoice_id}/document", response_class=Response, responses={**PDF, **problems(*_ONE)})
async def get_invoice_document(invoice_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World) -> Response:
    """The invoice as a PDF; a draft says that it is one."""
    invoice, applied = await world.billing(tenant, lambda uow: with_credit_applied(uow, invoice_id))
    return pdf(await asyncio.to_thread(invoice_pdf, invoice, applied), invoice.number or "draft")


@router.get(
    "/{invoice_id}/e-invoice", response_class=Response, responses={**XML, **problems(*_ONE, EInvoiceNotPossible)}
)
async def get_e_invoice(
    invoice_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World, syntax: WantedSyntax = Syntax.CII
) -> Response:
    """The final invoice as data that other programs read (EN 16931)."""
    invoice, applied = await world.billing(tenant, lambda uow: with_credit_applied(uow, invoice_id))
    return xml(await asyncio.to_thread(invoice_xml, invoice, applied, syntax), invoice.number or "draft")


@router.get(
    "/{invoice_id}/progress",
    response_model=Answer[InvoiceProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_invoice_progress(
    invoice_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[InvoiceProgress]:
    """What its process does next, when, and why."""
    there = await world.billing(tenant, lambda uow: uow.invoices.get(invoice_id))
    id_ = workflow_id(tenant, invoice_id)
    return ok(await where_it_stands(world, id_, InvoiceWorkflow.progress, before=invoice_standing(there)))


@router.post("/{invoice_id}/finalize", response_model=Answer[Invoice], responses=_STEP)
async def post_finalization(
    invoice_id: InvoiceId, tenant: Annotated[TenantId, own_tenant(FINALIZE_INVOICE)], world: World
) -> Answer[Invoice]:
    """A draft becomes final now: it gets its number, and not a word of it changes any more."""
    answer = await _done(world, tenant, lambda books: books.finalize(invoice_id))
    await tell_of_change(world, workflow_id(tenant, invoice_id), InvoiceWorkflow.changed, "finalized")
    return answer


@router.post("/{invoice_id}/void", response_model=Answer[Invoice], responses=_STEP)
async def post_invoice_void(
    invoice_id: InvoiceId,
    body: VoidInvoiceBody,
    tenant: Annotated[TenantId, own_tenant(VOID_INVOICE)],
    world: World,
) -> Answer[Invoice]:
    """It is not owed. What was on a draft waits for the next invoice; a final one keeps its number."""
    return await _done(world, tenant, lambda books: books.void(invoice_id, body.reason))


@router.post(
    "/{invoice_id}/collect",
    status_code=202,
    response_model=Answer[Payment],
    responses=problems(*_ONE, InvoiceStepNotPossible, PaymentUnderWay, PaymentMethodMissing, PaymentMethodNotFound),
)
async def post_collection(
    invoice_id: InvoiceId,
    body: CollectBody,
    tenant: Annotated[TenantId, own_tenant(COLLECT_INVOICE)],
    world: World,
) -> Answer[Payment]:
    """Collect it now by the customer's payment method; `GET /v1/billing/payments/{id}` says what became of it."""
    return ok(
        await world.billing(
            tenant,
            lambda uow: PaymentBooks(uow, tenant, new_id, utc_now()).collect(invoice_id, body.payment_method_id),
        )
    )


@router.post("/{invoice_id}/mark-paid", response_model=Answer[Invoice], responses=_STEP)
async def post_paid(
    invoice_id: InvoiceId,
    body: PaidBody,
    tenant: Annotated[TenantId, own_tenant(MARK_INVOICE_PAID)],
    world: World,
) -> Answer[Invoice]:
    """It was paid in full, by a way that the platform does not see."""
    return await _done(world, tenant, lambda books: books.mark_paid(invoice_id, body.method))


@router.post("/{invoice_id}/write-off", response_model=Answer[Invoice], responses=_STEP)
async def post_write_off(
    invoice_id: InvoiceId,
    body: WriteOffBody,
    tenant: Annotated[TenantId, own_tenant(WRITE_OFF_INVOICE)],
    world: World,
) -> Answer[Invoice]:
    """It is owed, and nobody expects that it will be paid. If it is nevertheless, it can be marked so."""
    return await _done(world, tenant, lambda books: books.write_off(invoice_id, body.reason))


async def _done(
    world: Container, tenant: TenantId, step: Callable[[InvoiceBooks], Awaitable[Invoice]]
) -> Answer[Invoice]:
    return ok(await world.billing(tenant, lambda uow: step(InvoiceBooks(uow, tenant, new_id, utc_now()))))
