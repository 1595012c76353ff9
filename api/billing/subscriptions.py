"""`/v1/billing/subscriptions`: what a tenant's customers have bought, and what happens to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.billing.line_bodies import LinesBody, wanted_lines
from api.billing.subscription_bodies import (
    CancellationBody,
    ChangeBody,
    PauseBody,
    SubscriptionBody,
    TransferBody,
    TrialExtensionBody,
    wanted,
    wish_of,
)
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.coupon_errors import CouponNotRedeemable, CouponUnknown
from domain.billing.errors import CustomerNotFound, PlanNotFound, SubscriptionNotFound
from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.invoice_errors import NothingToInvoice
from domain.billing.invoice_model import InvoiceContent
from domain.billing.lifecycle import next_step
from domain.billing.metering import ChargedUsage
from domain.billing.one_off import OneOffBooks
from domain.billing.payment_errors import PaymentMethodMissing
from domain.billing.permissions import (
    ADD_LINE,
    CANCEL_SUBSCRIPTION,
    CHANGE_SUBSCRIPTION,
    PAUSE_SUBSCRIPTION,
    REACTIVATE_SUBSCRIPTION,
    READ_INVOICES,
    READ_SUBSCRIPTIONS,
    READ_USAGE,
    START_SUBSCRIPTION,
)
from domain.billing.ports import BillingUnitOfWork
from domain.billing.product_errors import ItemUnknown, LineInvalid
from domain.billing.subscription_commands import Order, SubscriptionProgress, Wanted
from domain.billing.subscription_errors import (
    AddOnDoesNotFit,
    CurrencyNotOffered,
    OverrideInvalid,
    PlanNotForSale,
    ProrationInClosedPeriod,
    SubscriptionInstantInvalid,
    SubscriptionStepNotPossible,
)
from domain.billing.subscription_facts import standing
from domain.billing.subscription_model import (
    Accrual,
    Happening,
    Subscription,
    SubscriptionRevision,
    SubscriptionStatus,
)
from domain.billing.subscription_model import Line as BookedLine
from domain.billing.subscriptions import Books
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.errors import TenantRequired
from workflows.billing.subscription import SubscriptionWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/subscriptions", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_SUBSCRIPTIONS)
_ITEMS = (PlanNotFound, PlanNotForSale, CurrencyNotOffered, AddOnDoesNotFit, OverrideInvalid)
_ONE = (TenantRequired, SubscriptionNotFound)
_STEP = (*_ONE, SubscriptionStepNotPossible)


class BilledSubscription(Subscription):
    """A subscription, and what happens to it next by itself."""

    next: Happening | None


class ChangePreview(Payload):
    """What a change would charge (and, negative, credit) at once."""

    accruals: list[Accrual]


@router.get("", response_model=Answer[Page[BilledSubscription]], responses=problems(TenantRequired))
async def list_subscriptions(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    status: Annotated[SubscriptionStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[BilledSubscription]]:
    """Subscriptions, newest first."""
    page = await world.billing(
        tenant, lambda uow: uow.subscriptions.page(customer_id, status, cursor=cursor, limit=limit)
    )
    return ok(Page(items=[_shown(each) for each in page.items], next_cursor=page.next_cursor))


@router.post(
    "",
    status_code=201,
    response_model=Answer[BilledSubscription],
    responses=problems(
        TenantRequired,
        CustomerNotFound,
        SubscriptionInstantInvalid,
        CouponUnknown,
        CouponNotRedeemable,
        PaymentMethodMissing,
        *_ITEMS,
    ),
)
async def post_subscription(
    body: SubscriptionBody, tenant: Annotated[TenantId, own_tenant(START_SUBSCRIPTION)], world: World
) -> Answer[BilledSubscription]:
    """Begin a subscription, in the customer's currency and time zone. What is due at once is charged at once."""
    order = Order(
        customer_id=body.customer_id,
        plan=Wanted(body.plan_code, body.plan_version, body.quantity, body.overrides),
        add_ons=wanted(body.add_ons),
        billing_time=body.billing_time,
        starts_at=body.starts_at,
        trial_days=body.trial_days,
        coupon=body.coupon,
    )
    return await _done(world, tenant, lambda books: books.start(order))


@router.get("/{subscription_id}", response_model=Answer[BilledSubscription], responses=problems(*_ONE))
async def get_subscription(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[BilledSubscription]:
    """One subscription, and what happens to it next, when and why."""
    return ok(_shown(await world.billing(tenant, lambda uow: uow.subscriptions.get(subscription_id))))


@router.get("/{subscription_id}/lines", response_model=Answer[Page[BookedLine]], responses=problems(*_ONE))
async def list_lines(
    subscription_id: SubscriptionId,
    tenant: Annotated[TenantId, _OWN],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[BookedLine]]:
    """What it was charged and credited, newest first, each with how it was reckoned."""
    await world.billing(tenant, lambda uow: uow.subscriptions.get(subscription_id))
    return ok(await world.billing(tenant, lambda uow: uow.lines.page(subscription_id, cursor=cursor, limit=limit)))


@router.post(
    "/{subscription_id}/lines",
    status_code=201,
    response_model=Answer[list[BookedLine]],
    responses=problems(*_ONE, SubscriptionStepNotPossible, ItemUnknown, LineInvalid),
)
async def post_subscription_lines(
    subscription_id: SubscriptionId,
    body: LinesBody,
    tenant: Annotated[TenantId, own_tenant(ADD_LINE)],
    world: World,
) -> Answer[list[BookedLine]]:
    """Charge something once, with the subscription's next invoice."""
    lines = wanted_lines(body.lines)
    return ok(
        await world.billing(tenant, lambda uow: OneOffBooks(uow, tenant, new_id, utc_now()).add(subscription_id, lines))
    )


@router.get(
    "/{subscription_id}/revisions", response_model=Answer[Page[SubscriptionRevision]], responses=problems(*_ONE)
)
async def list_revisions(
    subscription_id: SubscriptionId,
    tenant: Annotated[TenantId, _OWN],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[SubscriptionRevision]]:
    """What it had become by each of its steps, newest first: plan, seats, add-ons, and who asked for it."""
    await world.billing(tenant, lambda uow: uow.subscriptions.get(subscription_id))
    return ok(
        await world.billing(
            tenant, lambda uow: uow.subscriptions.revisions(subscription_id, cursor=cursor, limit=limit)
        )
    )


@router.get("/{subscription_id}/usage", response_model=Answer[list[ChargedUsage]], responses=problems(*_ONE))
async def list_usage(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, own_tenant(READ_USAGE)], world: World
) -> Answer[list[ChargedUsage]]:
    """What was used in the running period up to this moment, and what it comes to."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: Books(uow, tenant, new_id, now).usage(subscription_id)))


@router.get(
    "/{subscription_id}/upcoming-invoice",
    response_model=Answer[InvoiceContent],
    responses=problems(*_ONE, NothingToInvoice),
)
async def get_upcoming_invoice(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, own_tenant(READ_INVOICES)], world: World
) -> Answer[InvoiceContent]:
    """What the next invoice would say if nothing changed and nothing more was used."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: Books(uow, tenant, new_id, now).upcoming(subscription_id)))


@router.get(
    "/{subscription_id}/progress",
    response_model=Answer[SubscriptionProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_subscription_progress(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[SubscriptionProgress]:
    """What its process does next, when, and why."""
    there = await world.billing(tenant, lambda uow: uow.subscriptions.get(subscription_id))
    id_ = workflow_id(tenant, subscription_id)
    return ok(await where_it_stands(world, id_, SubscriptionWorkflow.progress, before=standing(there)))


@router.post(
    "/{subscription_id}/change",
    response_model=Answer[BilledSubscription],
    responses=problems(*_STEP, ProrationInClosedPeriod, SubscriptionInstantInvalid, *_ITEMS),
)
async def post_change(
    subscription_id: SubscriptionId,
    body: ChangeBody,
    tenant: Annotated[TenantId, own_tenant(CHANGE_SUBSCRIPTION)],
    world: World,
) -> Answer[BilledSubscription]:
    """Another plan, version, number of seats, add-ons, prices or day; what is left of the period is prorated."""
    return await _done(world, tenant, lambda books: books.change(subscription_id, wish_of(body)))


@router.post(
    "/{subscription_id}/preview-change",
    response_model=Answer[ChangePreview],
    responses=problems(*_STEP, ProrationInClosedPeriod, SubscriptionInstantInvalid, *_ITEMS),
)
async def post_change_preview(
    subscription_id: SubscriptionId, body: ChangeBody, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[ChangePreview]:
    """What a change would charge and credit at once; nothing is kept."""
    accruals = await world.billing(
        tenant, lambda uow: Books(uow, tenant, new_id, utc_now()).preview(subscription_id, wish_of(body))
    )
    return ok(ChangePreview(accruals=list(accruals)))


@router.post(
    "/{subscription_id}/withdraw-change", response_model=Answer[BilledSubscription], responses=problems(*_STEP)
)
async def post_change_withdrawal(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, own_tenant(CHANGE_SUBSCRIPTION)], world: World
) -> Answer[BilledSubscription]:
    """It stays as it is when the period ends."""
    return await _done(world, tenant, lambda books: books.withdraw_change(subscription_id))


@router.post(
    "/{subscription_id}/extend-trial",
    response_model=Answer[BilledSubscription],
    responses=problems(*_STEP, SubscriptionInstantInvalid),
)
async def post_trial(
    subscription_id: SubscriptionId,
    body: TrialExtensionBody,
    tenant: Annotated[TenantId, own_tenant(CHANGE_SUBSCRIPTION)],
    world: World,
) -> Answer[BilledSubscription]:
    """The trial ends then; later or sooner than it would have."""
    return await _done(world, tenant, lambda books: books.extend_trial(subscription_id, body.until))


@router.post(
    "/{subscription_id}/pause",
    response_model=Answer[BilledSubscription],
    responses=problems(*_STEP, SubscriptionInstantInvalid),
)
async def post_pause(
    subscription_id: SubscriptionId,
    body: PauseBody,
    tenant: Annotated[TenantId, own_tenant(PAUSE_SUBSCRIPTION)],
    world: World,
) -> Answer[BilledSubscription]:
    """Nothing is charged until it is resumed; what is left of the period is credited."""
    return await _done(world, tenant, lambda books: books.pause(subscription_id, body.resume_at))


@router.post("/{subscription_id}/resume", response_model=Answer[BilledSubscription], responses=problems(*_STEP))
async def post_resume(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, own_tenant(PAUSE_SUBSCRIPTION)], world: World
) -> Answer[BilledSubscription]:
    """It goes on in the period that runs by now."""
    return await _done(world, tenant, lambda books: books.resume(subscription_id))


@router.post(
    "/{subscription_id}/cancel",
    response_model=Answer[BilledSubscription],
    responses=problems(*_STEP, SubscriptionInstantInvalid),
)
async def post_cancellation(
    subscription_id: SubscriptionId,
    body: CancellationBody,
    tenant: Annotated[TenantId, own_tenant(CANCEL_SUBSCRIPTION)],
    world: World,
) -> Answer[BilledSubscription]:
    """It ends now, then, or with its period. Of what ends sooner, the rest is credited as the plan prorates."""
    at_period_end = body.at is None and body.when == "period_end"
    return await _done(
        world,
        tenant,
        lambda books: books.cancel(subscription_id, body.reason, when=body.at, at_period_end=at_period_end),
    )


@router.post(
    "/{subscription_id}/transfer",
    status_code=201,
    response_model=Answer[BilledSubscription],
    responses=problems(*_STEP, CustomerNotFound),
)
async def post_transfer(
    subscription_id: SubscriptionId,
    body: TransferBody,
    tenant: Annotated[TenantId, own_tenant(CHANGE_SUBSCRIPTION)],
    world: World,
) -> Answer[BilledSubscription]:
    """Another customer has it from here on, in the same period: it ends, with a credit, and goes on as another."""
    return await _done(world, tenant, lambda books: books.transfer(subscription_id, body.customer_id))


@router.post("/{subscription_id}/reactivate", response_model=Answer[BilledSubscription], responses=problems(*_STEP))
async def post_reactivation(
    subscription_id: SubscriptionId, tenant: Annotated[TenantId, own_tenant(REACTIVATE_SUBSCRIPTION)], world: World
) -> Answer[BilledSubscription]:
    """Take a cancellation back that waits; or let a subscription that has ended go on, with a new first period."""
    return await _done(world, tenant, lambda books: books.reactivate(subscription_id))


async def _done(
    world: Container, tenant: TenantId, step: Callable[[Books], Awaitable[Subscription]]
) -> Answer[BilledSubscription]:
    async def shown(uow: BillingUnitOfWork) -> BilledSubscription:
        return _shown(await step(Books(uow, tenant, new_id, utc_now())))

    return ok(await world.billing(tenant, shown))


def _shown(sub: Subscription) -> BilledSubscription:
    return BilledSubscription(**dict(sub), next=next_step(sub))
