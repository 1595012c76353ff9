"""Customers' subscriptions: ordered, changed, paused, ended, and let go on by themselves, each in one transaction.

Whatever is asked for happens after everything that was due before: a subscription whose worker is down is brought up to
date by whoever comes first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.billing import lifecycle
from domain.billing.comparing import is_cheaper
from domain.billing.coupons import CouponBooks
from domain.billing.drafting import draft_invoice
from domain.billing.events import (
    SubscriptionChange,
)
from domain.billing.ids import CustomerId, LineId, SubscriptionId
from domain.billing.invoice_errors import NothingToInvoice
from domain.billing.invoice_model import InvoiceContent
from domain.billing.items import changed_items, ordered_items
from domain.billing.lifecycle import next_step
from domain.billing.metering import ChargedUsage, current_usage, metered_at
from domain.billing.payment_errors import PaymentMethodMissing
from domain.billing.periods import Periods
from domain.billing.permissions import (
    CANCEL_SUBSCRIPTION,
    CHANGE_SUBSCRIPTION,
    PAUSE_SUBSCRIPTION,
    REACTIVATE_SUBSCRIPTION,
    START_SUBSCRIPTION,
)
from domain.billing.plan_model import PlanTerms, TrialEnd
from domain.billing.ports import BillingUnitOfWork
from domain.billing.reckoning import reckoned
from domain.billing.stepping import Outcome
from domain.billing.subscription_commands import AdvanceSubscription, Change, Order, SubscriptionProgress
from domain.billing.subscription_errors import (
    ProrationInClosedPeriod,
    SubscriptionInstantInvalid,
    SubscriptionStepNotPossible,
)
from domain.billing.subscription_facts import created, standing, told_of
from domain.billing.subscription_model import (
    Accrual,
    Happening,
    HappeningName,
    Line,
    Subscription,
    SubscriptionRevision,
    SubscriptionStatus,
    Terms,
)
from domain.billing.usage import NOTHING, Metered
from domain.bus.event import Event
from domain.kernel.audit import AuditEntry
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids

_LONGEST_BACK, _LONGEST_AHEAD = timedelta(days=366), timedelta(days=5 * 366)
MOST_STEPS = 400
"""So many in one transaction: who is further behind comes again."""

_TURNS = (
    HappeningName.BEGIN,
    HappeningName.END_TRIAL,
    HappeningName.RENEW,
    HappeningName.CANCEL,
    HappeningName.SETTLE,
    HappeningName.RESUME,
)
_COUNTED = (HappeningName.RENEW, HappeningName.CANCEL, HappeningName.SETTLE)
_ACTIVE = (SubscriptionStatus.ACTIVE,)
_RUNS = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING)
_LIVING = tuple(status for status in SubscriptionStatus if status is not SubscriptionStatus.CANCELED)


class Books:
    """What every step writes to: one tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def start(self, order: Order) -> Subscription:
        """Begin a subscription, with everything that is due at once.

        Raises CustomerNotFound, PlanNotFound, PlanNotForSale, CurrencyNotOffered, AddOnDoesNotFit, OverrideInvalid,
        SubscriptionInstantInvalid, CouponUnknown, CouponNotRedeemable, PaymentMethodMissing.
        """
        customer = await self.uow.customers.get(order.customer_id)
        await self._by_its_clock(customer.id)
        starts_at = order.starts_at or self.now
        if not self.now - _LONGEST_BACK <= starts_at <= self.now + _LONGEST_AHEAD:
            earliest, latest = self.now - _LONGEST_BACK, self.now + _LONGEST_AHEAD
            raise SubscriptionInstantInvalid(field="startsAt", at=starts_at, earliest=earliest, latest=latest)
        items, terms = await ordered_items(self.uow, order, customer.currency, self.now)
        plan = terms[items[0].plan_code, items[0].plan_version]
        trial = plan.trial if order.trial_days is None else timedelta(days=order.trial_days)
        if trial and plan.trial_needs_payment_method and not await self._can_pay(customer.id):
            raise PaymentMethodMissing(customer_id=customer.id)
        sub = Subscription(
            id=self.ids(SubscriptionId),
            customer_id=customer.id,
            status=SubscriptionStatus.SCHEDULED,
            currency=customer.currency,
            timezone=customer.timezone,
            billing_time=order.billing_time,
            interval=plan.interval,
            interval_count=plan.interval_count,
            proration=plan.proration,
            items=items,
            started_at=starts_at,
            trial_end=starts_at + trial if trial else None,
            anchor=starts_at,
            period_start=starts_at,
            period_end=Periods(starts_at, plan.interval, plan.interval_count, customer.timezone).boundary(1),
            created_at=self.now,
        )
        outcome = Outcome(sub.model_copy(update={"revision": 1}), (), SubscriptionChange.SCHEDULED, self.now)
        await self._keep(sub, outcome, terms, created(self.tenant, sub, terms, now=self.now))
        if order.coupon is not None:
            await CouponBooks(self.uow, self.tenant, self.ids, self.now).redeem(order.coupon, customer.id, sub.id)
        self._audit(START_SUBSCRIPTION, sub, {"planCode": sub.plan.plan_code, "customerId": sub.customer_id})
        return await self._caught_up(outcome.subscription, terms)

    async def advance(self, subscription_id: SubscriptionId) -> Subscription:
        """Everything that is due by now. Raises SubscriptionNotFound."""
        sub = await self.uow.subscriptions.hold(subscription_id)
        return await self._caught_up(sub, await self._terms(sub))

    async def look_again(self, subscription_id: SubscriptionId) -> None:
        """Charge now what usage came late for periods that have ended. Raises SubscriptionNotFound."""
        sub = await self.uow.subscriptions.hold(subscription_id)
        metered, terms = await self._metered(sub, await self._terms(sub), self.now)
        outcome = lifecycle.look_again(sub, terms, metered, at=self.now)
        if outcome.accruals:
            await self._keep(sub, outcome, terms)

    async def upcoming(self, subscription_id: SubscriptionId) -> InvoiceContent:
        """What the next invoice would say if nothing changed and nothing more was used.

        Raises SubscriptionNotFound, NothingToInvoice.
        """
        sub = await self.uow.subscriptions.get(subscription_id)
        await self._by_its_clock(sub.customer_id)
        waiting = list[Accrual](await self.uow.lines.uninvoiced(sub.id))
        step = next_step(sub)
        if step is not None and step.name in _TURNS:
            terms = await self._terms(sub)
            metered, terms = await self._metered(sub, terms, self.now) if step.name in _COUNTED else (NOTHING, terms)
            waiting += lifecycle.take(sub, step, terms, metered).accruals
        customer = await self.uow.customers.get(sub.customer_id)
        seller = await self.uow.legal_entities.selling(customer.legal_entity)
        if not waiting or seller is None:
            raise NothingToInvoice
        return await reckoned(self.uow, waiting, seller, customer, sub.id)

    async def change(self, subscription_id: SubscriptionId, wish: Change) -> Subscription:
        """Another plan, version, number of seats, add-ons or prices, now or when the period ends.

        Raises SubscriptionNotFound, SubscriptionStepNotPossible, ProrationInClosedPeriod, and what `start` raises.
        """
        sub, terms, outcome = await self._changed(subscription_id, wish)
        kept = await self._keep(sub, outcome, terms)
        items = [f"{item.plan_code}/{item.plan_version} x {item.quantity}" for item in (kept.pending or kept).items]
        self._audit(CHANGE_SUBSCRIPTION, kept, {"change": outcome.change.value, "items": items})
        return kept

    async def preview(self, subscription_id: SubscriptionId, wish: Change) -> tuple[Accrual, ...]:
        """What `change` would charge and credit at once. Raises what `change` raises."""
        _, _, outcome = await self._changed(subscription_id, wish)
        return outcome.accruals

    async def usage(self, subscription_id: SubscriptionId) -> list[ChargedUsage]:
        """What the usage of the running period comes to by now. Raises SubscriptionNotFound."""
        sub = await self.uow.subscriptions.get(subscription_id)
        await self._by_its_clock(sub.customer_id)
        return await current_usage(self.uow, sub, await self._terms(sub), now=self.now)

    async def withdraw_change(self, subscription_id: SubscriptionId) -> Subscription:
        """It stays as it is when the period ends. Raises SubscriptionNotFound, SubscriptionStepNotPossible."""
        sub, terms = await self._ready(subscription_id, _LIVING)
        if sub.pending is None:
            raise SubscriptionStepNotPossible(status=sub.status.value, reason="no change is waiting")
        kept = await self._keep(sub, lifecycle.withdraw_change(sub, at=self.now), terms)
        self._audit(CHANGE_SUBSCRIPTION, kept, {"change": SubscriptionChange.CHANGE_WITHDRAWN.value})
        return kept

    async def extend_trial(self, subscription_id: SubscriptionId, until: datetime) -> Subscription:
        """Raises SubscriptionNotFound, SubscriptionStepNotPossible, SubscriptionInstantInvalid."""
        sub, terms = await self._ready(subscription_id, (SubscriptionStatus.TRIALING,))
        self._ahead("until", until)
        kept = await self._keep(sub, lifecycle.extend_trial(sub, until, at=self.now), terms)
        self._audit(CHANGE_SUBSCRIPTION, kept, {"trialEnd": until.isoformat()})
        return kept

    async def pause(self, subscription_id: SubscriptionId, until: datetime | None) -> Subscription:
        """Raises SubscriptionNotFound, SubscriptionStepNotPossible, SubscriptionInstantInvalid."""
        sub, terms = await self._ready(subscription_id, _ACTIVE)
        if until is not None:
            self._ahead("resumeAt", until)
        metered, terms = await self._metered(sub, terms, self.now)
        kept = await self._keep(sub, lifecycle.pause(sub, terms, until, metered, at=self.now), terms)
        self._audit(PAUSE_SUBSCRIPTION, kept, {"resumeAt": until.isoformat() if until else None})
        return kept

    async def resume(self, subscription_id: SubscriptionId) -> Subscription:
        """Raises SubscriptionNotFound, SubscriptionStepNotPossible."""
        sub, terms = await self._ready(subscription_id, (SubscriptionStatus.PAUSED,))
        kept = await self._keep(sub, lifecycle.resume(sub, terms, at=self.now), terms)
        self._audit(PAUSE_SUBSCRIPTION, kept, {"resumed": True})
        return kept

    async def method_added(self, customer: CustomerId) -> None:
        """The customer has a payment method: what waited for one since its trial begins."""
        for subscription_id in await self.uow.subscriptions.awaiting_method(customer):
            sub = await self.uow.subscriptions.hold(subscription_id)
            terms = await self._terms(sub)
            await self._keep(sub, lifecycle.resume(sub, terms, at=self.now), terms)

    async def cancel(
        self, subscription_id: SubscriptionId, reason: str, *, when: datetime | None, at_period_end: bool
    ) -> Subscription:
        """Now, then, or when the period ends (of a trial: with the trial; of what waits to begin: at once).

        Raises SubscriptionNotFound, SubscriptionStepNotPossible, SubscriptionInstantInvalid.
        """
        sub, terms = await self._ready(subscription_id, _LIVING)
        if at_period_end and sub.status in _RUNS:
            when = sub.period_end
        if when is None:
            metered, terms = await self._metered(sub, terms, self.now)
            kept = await self._keep(sub, lifecycle.cancel(sub, terms, reason, metered, at=self.now), terms)
        else:
            self._ahead("at", when)
            kept = await self._keep(sub, lifecycle.cancel_later(sub, when, reason, at=self.now), terms)
        self._audit(CANCEL_SUBSCRIPTION, kept, {"reason": reason, "at": (when or self.now).isoformat()})
        return kept

    async def reactivate(self, subscription_id: SubscriptionId) -> Subscription:
        """Take a cancellation back that waits, or let a subscription that has ended go on.

        Raises SubscriptionNotFound, SubscriptionStepNotPossible.
        """
        sub, terms = await self._ready(subscription_id, tuple(SubscriptionStatus))
        if sub.status is SubscriptionStatus.CANCELED:
            kept = await self._keep(sub, lifecycle.reactivate(sub, terms, at=self.now), terms)
        elif sub.cancel_at is not None:
            kept = await self._keep(sub, lifecycle.withdraw_cancellation(sub, at=self.now), terms)
        else:
            raise SubscriptionStepNotPossible(status=sub.status.value, reason="it was not canceled")
        self._audit(REACTIVATE_SUBSCRIPTION, kept, {"status": kept.status.value})
        return kept

    async def transfer(self, subscription_id: SubscriptionId, to: CustomerId) -> Subscription:
        """Let another customer have it from here on: it ends, and goes on as that customer's, which is returned.

        Raises SubscriptionNotFound, CustomerNotFound, SubscriptionStepNotPossible.
        """
        sub, terms = await self._ready(subscription_id, _RUNS)
        giver, customer = [await self.uow.customers.get(each) for each in (sub.customer_id, to)]
        obstacles = {
            "the customer has it already": customer.id == giver.id,
            f"the customer pays in {customer.currency}": customer.currency != sub.currency,
            "the customers live by different test clocks": customer.test_clock_id != giver.test_clock_id,
        }
        for reason in (each for each, is_there in obstacles.items() if is_there):
            raise SubscriptionStepNotPossible(status=sub.status.value, reason=reason)
        id_, at = self.ids(SubscriptionId), self.now
        metered, ended = await self._metered(sub, terms, at)
        await self._keep(sub, lifecycle.cancel(sub, ended, f"transferred as {id_}", metered, at=at), ended)
        begun = lifecycle.handed_over(sub, terms, to=to, timezone=customer.timezone, named=id_, at=at)
        kept = await self._keep(sub, begun, terms, created(self.tenant, begun.subscription, terms, now=at))
        self._audit(CHANGE_SUBSCRIPTION, sub, {"transferredAs": id_, "customerId": to})
        return kept

    async def _changed(self, subscription_id: SubscriptionId, wish: Change) -> tuple[Subscription, Terms, Outcome]:
        sub, terms = await self._ready(subscription_id, _LIVING)
        items, terms = await changed_items(self.uow, sub, wish, terms, self.now)
        if wish.effective_at is not None:
            earliest = max([sub.period_start, *(item.since for item in sub.items if item.since)])
            if sub.status is not SubscriptionStatus.ACTIVE or not earliest <= wish.effective_at <= self.now:
                raise ProrationInClosedPeriod(earliest=earliest, latest=self.now)
        if wish.anchor is not None:
            self._can_begin_at(wish.anchor, sub, terms[items[0].plan_code, items[0].plan_version])
        later = wish.later
        if later is None:
            later = wish.effective_at is None and wish.anchor is None and is_cheaper(sub, items, terms)
        if later and sub.status is SubscriptionStatus.ACTIVE:
            return sub, terms, lifecycle.change_later(sub, items, at=self.now)
        at = wish.effective_at or self.now
        metered, terms = await self._metered(sub, terms, at)
        return sub, terms, lifecycle.change(sub, items, terms, metered, at=at, anchor=wish.anchor)

    def _can_begin_at(self, anchor: datetime, sub: Subscription, plan: PlanTerms) -> None:
        """Raises SubscriptionStepNotPossible, SubscriptionInstantInvalid."""
        if sub.status is not SubscriptionStatus.ACTIVE:
            raise SubscriptionStepNotPossible(status=sub.status.value, reason="its periods have not begun")
        latest = Periods(self.now, plan.interval, plan.interval_count, sub.timezone).boundary(1)
        if not self.now <= anchor <= latest:
            raise SubscriptionInstantInvalid(field="anchor", at=anchor, earliest=self.now, latest=latest)

    async def _ready(
        self, subscription_id: SubscriptionId, statuses: tuple[SubscriptionStatus, ...]
    ) -> tuple[Subscription, Terms]:
        sub = await self.uow.subscriptions.hold(subscription_id)
        await self._by_its_clock(sub.customer_id)
        terms = await self._terms(sub)
        sub = await self._caught_up(sub, terms)
        if sub.status not in statuses:
            raise SubscriptionStepNotPossible(status=sub.status.value)
        return sub, terms

    async def _caught_up(self, sub: Subscription, terms: Terms) -> Subscription:
        for _ in range(MOST_STEPS):
            step = next_step(sub)
            if step is None or step.at > self.now:
                break
            metered = NOTHING
            if step.name in _COUNTED:
                metered, terms = await self._metered(sub, terms, step.at)
            sub = await self._keep(sub, await self._taken(sub, step, terms, metered), terms)
        return sub

    async def _taken(self, sub: Subscription, step: Happening, terms: Terms, metered: Metered) -> Outcome:
        if step.name is HappeningName.END_TRIAL:
            ending = terms[sub.plan.plan_code, sub.plan.plan_version].trial_without_payment_method
            if ending is not TrialEnd.INVOICE and not await self._can_pay(sub.customer_id):
                return lifecycle.end_trial_unpaid(sub, terms, ending, at=step.at)
        return lifecycle.take(sub, step, terms, metered)

    async def _can_pay(self, customer: CustomerId) -> bool:
        return await self.uow.payments.default_method(customer) is not None

    async def _terms(self, sub: Subscription) -> Terms:
        items = (*sub.items, *(sub.pending.items if sub.pending else ()))
        return await self.uow.plans.terms({(item.plan_code, item.plan_version) for item in items})

    async def _metered(self, sub: Subscription, terms: Terms, at: datetime) -> tuple[Metered, Terms]:
        """What meters say at this instant, and the terms of what they are looked at again for."""
        return await metered_at(self.uow, sub, terms, at) if sub.metered else (NOTHING, terms)

    async def _keep(
        self, before: Subscription, outcome: Outcome, terms: Terms, fact: Event | None = None
    ) -> Subscription:
        """Write down what a step has made of it, and announce it."""
        after, change, at = outcome.subscription, outcome.change, outcome.at
        revision = SubscriptionRevision(
            revision=after.revision,
            change=change,
            at=at,
            status=after.status,
            items=(after.pending or after).items,
            actor=current_context().actor.id,
        )
        await self.uow.subscriptions.put(after, next_step(after), revision)
        lines = [
            Line(
                **dict(accrual),
                id=self.ids(LineId),
                subscription_id=after.id,
                customer_id=after.customer_id,
            )
            for accrual in outcome.accruals
        ]
        await self.uow.lines.add(lines)
        for period in outcome.closed:
            await self.uow.usage.close(period)
        charged = sum((line.amount for line in lines), Money(minor=0, currency=after.currency))
        self.uow.events.append(fact or told_of(self.tenant, before, outcome, terms, charged=charged, now=self.now))
        if outcome.turned:
            await draft_invoice(self.uow, self.tenant, after, self.ids, at=at, now=self.now)
        return after

    async def _by_its_clock(self, customer_id: CustomerId) -> None:
        """What people ask for happens when the customer's test clock says, if it has one."""
        self.now = await self.uow.clocks.now_of(customer_id, self.now)

    def _ahead(self, name: str, at: datetime) -> None:
        if not self.now < at <= self.now + _LONGEST_AHEAD:
            raise SubscriptionInstantInvalid(field=name, at=at, earliest=self.now, latest=self.now + _LONGEST_AHEAD)

    def _audit(self, permission: Permission, sub: Subscription, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=sub.id, details=details)
        )


async def advance(uow: BillingUnitOfWork, cmd: AdvanceSubscription, ids: Ids) -> SubscriptionProgress:
    """What is due by the command's now, and what comes next. May be done again. Raises SubscriptionNotFound."""
    sub = await Books(uow, cmd.tenant_id, ids, cmd.now).advance(cmd.subscription_id)
    return standing(sub)
