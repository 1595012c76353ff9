"""`/v1/billing/ledger/...`: a tenant's books in double entry."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Day, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.ids import CustomerId, InvoiceId
from domain.billing.invoice_errors import LedgerSpanInvalid
from domain.billing.ledger_model import AccountBalance, DeferredMonth, JournalEntry
from domain.billing.permissions import READ_LEDGER
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/ledger", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_LEDGER)
_MOST_MONTHS = 120


class TrialBalance(Payload):
    """Every account up to a day. The balances of each legal entity and currency sum to nothing."""

    day: date
    accounts: list[AccountBalance]


class DeferredRevenue(Payload):
    """What was not earned yet, month by month; months to come show what will be earned in them."""

    months: list[DeferredMonth]


@router.get("/entries", response_model=Answer[Page[JournalEntry]], responses=problems(TenantRequired))
async def list_journal_entries(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    invoice_id: Annotated[InvoiceId | None, Query(alias="invoiceId")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[JournalEntry]]:
    """Entries, newest first; revenue that is yet to be earned has entries with days to come."""
    return ok(
        await world.billing(tenant, lambda uow: uow.ledger.page(customer_id, invoice_id, cursor=cursor, limit=limit))
    )


@router.get("/trial-balance", response_model=Answer[TrialBalance], responses=problems(TenantRequired))
async def get_trial_balance(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    day: Annotated[Day | None, Query(description="Up to this day and with it; today, if it is left out.")] = None,
) -> Answer[TrialBalance]:
    """The balance of every account."""
    asked = day or utc_now().date()
    accounts = await world.billing(tenant, lambda uow: uow.ledger.balances(asked))
    return ok(TrialBalance(day=asked, accounts=accounts))


@router.get(
    "/deferred-revenue", response_model=Answer[DeferredRevenue], responses=problems(TenantRequired, LedgerSpanInvalid)
)
async def get_deferred_revenue(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    first: Annotated[Day, Query(alias="from", description="A day of the first month.", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="until", description="A day of the last month.", examples=["2026-12-31"])],
) -> Answer[DeferredRevenue]:
    """The roll-forward: what each month deferred and recognized, and what was and will be left."""
    if not 0 <= (last.year - first.year) * 12 + last.month - first.month < _MOST_MONTHS:
        raise LedgerSpanInvalid(earliest=first, latest=last, most_months=_MOST_MONTHS)
    return ok(DeferredRevenue(months=await world.billing(tenant, lambda uow: uow.ledger.deferred(first, last))))
