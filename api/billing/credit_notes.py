"""`/v1/billing/credit-notes`: what is given back of what was invoiced, and how."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from adapters.billing.e_invoice import credit_note_pdf, credit_note_xml
from adapters.kernel.clock import new_id, utc_now
from api.billing.papers import PDF, XML, WantedSyntax, pdf, xml
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.credit_note_errors import CreditNoteInvalid, CreditNoteNotFound, RefundNotPossible
from domain.billing.credit_note_model import (
    CreditNote,
    CreditNoteReason,
    Settlement,
    WantedCredit,
    WantedCreditNote,
)
from domain.billing.credit_notes import issue_credit_note
from domain.billing.e_invoicing import Syntax
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId
from domain.billing.invoice_errors import EInvoiceNotPossible, InvoiceNotFound, InvoiceStepNotPossible
from domain.billing.payment_errors import PaymentUnderWay
from domain.billing.permissions import ISSUE_CREDIT_NOTE, READ_CREDIT_NOTES
from domain.billing.prices import Amount
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/credit-notes", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_CREDIT_NOTES)
_ONE = (TenantRequired, CreditNoteNotFound)


class CreditNoteLineBody(Body):
    """A line of the invoice, and how much of it."""

    key: str = Field(max_length=300, description="The line's `key`.", examples=["2/pro/seats/begin"])
    amount: Annotated[Decimal, Amount, Field(gt=0)] | None = Field(
        default=None,
        description="Tax included, in major units; all that is left of it, if left out.",
        examples=["11.90"],
    )


class CreditNoteBody(Body):
    """What is given back, why, and how."""

    invoice_id: InvoiceId = Field(examples=["inv_01h455vb4pex5vsknk084sn02q"])
    reason: CreditNoteReason = Field(examples=["order_change"])
    note: Line | None = Field(default=None, description="For the customer.", examples=["Two seats were not needed"])
    lines: Annotated[tuple[CreditNoteLineBody, ...], Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="All that is left of the invoice, if left out.", examples=[None]
    )
    settlement: Settlement = Field(
        default=Settlement.AUTOMATIC,
        description="Of a paid invoice; of an open one, less is to be paid. `automatic` refunds what a provider has "
        "collected, and gives the rest as credit.",
    )


@router.get("", response_model=Answer[Page[CreditNote]], responses=problems(TenantRequired))
async def list_credit_notes(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    invoice_id: Annotated[InvoiceId | None, Query(alias="invoiceId")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[CreditNote]]:
    """Credit notes, newest first."""
    return ok(
        await world.billing(
            tenant, lambda uow: uow.credit_notes.page(customer_id, invoice_id, cursor=cursor, limit=limit)
        )
    )


@router.post(
    "",
    status_code=201,
    response_model=Answer[CreditNote],
    responses=problems(
        TenantRequired,
        InvoiceNotFound,
        InvoiceStepNotPossible,
        PaymentUnderWay,
        CreditNoteInvalid,
        RefundNotPossible,
    ),
)
async def post_credit_note(
    body: CreditNoteBody, tenant: Annotated[TenantId, own_tenant(ISSUE_CREDIT_NOTE)], world: World
) -> Answer[CreditNote]:
    """Give back an invoice, or parts of its lines, once. A refund is sent by its process: `refundId` follows it."""
    lines = None if body.lines is None else tuple(WantedCredit(each.key, each.amount) for each in body.lines)
    wanted = WantedCreditNote(body.invoice_id, lines, body.reason, body.note, body.settlement)
    return ok(await world.billing(tenant, lambda uow: issue_credit_note(uow, tenant, new_id, utc_now(), wanted)))


@router.get("/{credit_note_id}", response_model=Answer[CreditNote], responses=problems(*_ONE))
async def get_credit_note(
    credit_note_id: CreditNoteId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[CreditNote]:
    """One credit note."""
    return ok(await world.billing(tenant, lambda uow: uow.credit_notes.get(credit_note_id)))


@router.get("/{credit_note_id}/document", response_class=Response, responses={**PDF, **problems(*_ONE)})
async def get_credit_note_document(
    credit_note_id: CreditNoteId, tenant: Annotated[TenantId, _OWN], world: World
) -> Response:
    """The credit note as a PDF."""
    note = await world.billing(tenant, lambda uow: uow.credit_notes.get(credit_note_id))
    return pdf(await asyncio.to_thread(credit_note_pdf, note), note.number)


@router.get(
    "/{credit_note_id}/e-invoice", response_class=Response, responses={**XML, **problems(*_ONE, EInvoiceNotPossible)}
)
async def get_credit_note_data(
    credit_note_id: CreditNoteId, tenant: Annotated[TenantId, _OWN], world: World, syntax: WantedSyntax = Syntax.CII
) -> Response:
    """The credit note as data that other programs read (EN 16931)."""
    note = await world.billing(tenant, lambda uow: uow.credit_notes.get(credit_note_id))
    return xml(await asyncio.to_thread(credit_note_xml, note, syntax), note.number)
