"""Dunning cases: opened by a failure, stepped through by their process, steered by people, closed when it is paid."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.billing.dunning_calendar import planned
from domain.billing.dunning_cases import DunningCases
from domain.billing.dunning_commands import DunningProgress, SettleDunning, Steer, SteerDunning
from domain.billing.dunning_errors import DunningInstantInvalid, DunningStepNotPossible
from domain.billing.dunning_events import DunningOpened, DunningStepped
from domain.billing.dunning_model import (
    DunningAction,
    DunningCase,
    DunningChannel,
    DunningStatus,
    DunningStep,
    Reminder,
    StepStatus,
)
from domain.billing.events import Decline
from domain.billing.ids import CustomerId, InvoiceId
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoices import InvoiceBooks
from domain.billing.payment_model import PaymentStatus
from domain.billing.payments import PaymentBooks
from domain.billing.permissions import STEER_DUNNING
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_commands import Change
from domain.billing.subscriptions import Books
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import Refused
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids

_LONGEST = timedelta(days=366)
_OF_SUBSCRIPTIONS = (DunningAction.CANCEL, DunningAction.DOWNGRADE, DunningAction.SUSPEND)
_FAR_NUMBER = 1_000
"""Steps that no policy planned are numbered from here on."""


class DunningBooks(DunningCases):
    """What every step of a case writes to: one tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        super().__init__(uow, tenant, now)
        self.ids = ids

    async def failed(self, invoice: Invoice, decline: Decline) -> DunningCase:
        """An attempt to collect an invoice that is held has failed, or waits for the customer."""
        case = await self.uow.dunning.find(invoice.id)
        if case is None or not case.is_open:
            return await self._opened(invoice, decline)
        # What was unfit for another kind of failure may fit this one.
        fitting = tuple(
            step.model_copy(update={"status": StepStatus.WAITING})
            if step.status is StepStatus.UNFIT and step.at > self.now and decline in step.declines
            else step
            for step in case.steps
        )
        changed = await self.put(case, decline=decline, steps=fitting)
        self.tell("declined", invoice.id)
        return changed

    async def payment_over(self, invoice_id: InvoiceId) -> None:
        """No payment is under way any more: what waited for that may go on."""
        case = await self.uow.dunning.find(invoice_id)
        if case is not None and case.is_open:
            self.tell("payment is over", invoice_id)

    async def method_added(self, customer: CustomerId) -> None:
        """The customer can be collected from in another way: try at once."""
        for invoice_id in await self.uow.dunning.open_of(customer):
            await self.uow.invoices.hold(invoice_id)
            case = await self.uow.dunning.hold(invoice_id)
            live = await self.uow.payments.live(case.invoice_id)
            if live is not None and live.status is PaymentStatus.ACTION_REQUIRED:
                await PaymentBooks(self.uow, self.tenant, self.ids, self.now).call_off(live)
            number = max([_FAR_NUMBER, *(step.number for step in case.steps)]) + 1
            now = DunningStep(number=number, action=DunningAction.RETRY, at=self.now)
            await self.put(case, steps=(*case.steps, now), decline=Decline.SOFT)
            self.tell("new payment method", case.invoice_id)

    async def settle(self, cmd: SettleDunning) -> tuple[DunningCase, Reminder | None]:
        """Everything that is due by now, up to a reminder, which the process has to send first."""
        invoice = await self.uow.invoices.hold(cmd.invoice_id)
        case = await self.uow.dunning.hold(cmd.invoice_id)
        if case.status is DunningStatus.PAUSED and case.resume_at is not None and case.resume_at <= self.now:
            case = await self.put(case, status=DunningStatus.ACTIVE, resume_at=None, paused_reason=None)
        while case.status is DunningStatus.ACTIVE:
            step = case.next
            if step is None:
                return await self.closed(case, DunningStatus.EXHAUSTED), None
            if case.decline not in step.declines and step.at <= self.now:
                case = await self.with_step(case, step, status=StepStatus.UNFIT)
                continue
            if step.at > self.now or (step.approval and not step.approved):
                break
            if step.action is DunningAction.REMIND and step.channel is DunningChannel.EMAIL:
                if cmd.reminded != step.number:
                    return case, await self._reminder(case, step, invoice)
                case = await self._done(case, step, cmd.how)
                continue
            if step.action is DunningAction.RETRY and await self.uow.payments.live(invoice.id) is not None:
                break
            case = await self._done(case, step, await self._outcome(case, step, invoice))
            if step.action is DunningAction.SUSPEND:
                case = await self.put(case, suspended=True)
            invoice = await self.uow.invoices.hold(cmd.invoice_id)
        return case, None

    async def steer(self, cmd: SteerDunning) -> DunningCase:
        """Somebody wants it otherwise. Raises DunningCaseNotFound, DunningStepNotPossible, DunningInstantInvalid."""
        case = await self.uow.dunning.hold(cmd.invoice_id)
        self.now = await self.uow.clocks.now_of(case.customer_id, self.now)
        if not case.is_open:
            raise DunningStepNotPossible(status=case.status.value)
        if cmd.at is not None and not self.now - timedelta(minutes=5) <= cmd.at <= self.now + _LONGEST:
            raise DunningInstantInvalid(at=cmd.at, earliest=self.now, latest=self.now + _LONGEST)
        match cmd.verb:
            case Steer.PAUSE:
                steered = await self.put(case, status=DunningStatus.PAUSED, paused_reason=cmd.reason, resume_at=cmd.at)
            case Steer.RESUME:
                steered = await self.put(case, status=DunningStatus.ACTIVE, paused_reason=None, resume_at=None)
            case Steer.STOP:
                steered = await self.closed(case, DunningStatus.STOPPED)
            case Steer.SKIP:
                steered = await self.with_step(
                    case, self._waiting(case, cmd), status=StepStatus.SKIPPED, outcome=cmd.reason, done_at=self.now
                )
            case Steer.APPROVE:
                steered = await self.with_step(case, self._waiting(case, cmd), approved=True)
            case Steer.RETIME:
                if cmd.at is None:
                    raise DunningInstantInvalid(at=None, earliest=self.now, latest=self.now + _LONGEST)
                steered = await self.with_step(case, self._waiting(case, cmd), at=cmd.at)
        self.tell(cmd.verb.value, case.invoice_id)
        self.uow.audit.record(
            AuditEntry(
                tenant_id=self.tenant,
                action=STEER_DUNNING.name,
                resource=case.invoice_id,
                details={
                    "verb": cmd.verb.value,
                    "step": cmd.step,
                    "at": cmd.at.isoformat() if cmd.at else None,
                    "reason": cmd.reason,
                },
            )
        )
        return steered

    def _waiting(self, case: DunningCase, cmd: SteerDunning) -> DunningStep:
        found = [each for each in case.steps if each.number == cmd.step and each.status is StepStatus.WAITING]
        if not found:
            raise DunningStepNotPossible(status=case.status.value, step=cmd.step)
        return found[0]

    async def _opened(self, invoice: Invoice, decline: Decline) -> DunningCase:
        customer = await self.uow.customers.get(invoice.customer_id)
        policy = await self.uow.dunning.policy()
        case = DunningCase(
            invoice_id=invoice.id,
            customer_id=invoice.customer_id,
            subscription_id=invoice.subscription_id,
            due=invoice.due,
            status=DunningStatus.ACTIVE,
            decline=decline,
            timezone=customer.timezone,
            steps=planned(policy, invoice.due, self.now, customer.timezone),
            opened_at=self.now,
        )
        await self.uow.dunning.put(case)
        self.uow.events.append(DunningOpened(**self.named(case), due=case.due, decline=decline))
        return case

    async def _outcome(self, case: DunningCase, step: DunningStep, invoice: Invoice) -> str:
        """Do it; what came of it. What cannot be done is told, and the next step follows."""
        if step.action in _OF_SUBSCRIPTIONS and case.subscription_id is None:
            return "not done: the invoice is for no subscription"
        try:
            match step.action:
                case DunningAction.RETRY:
                    return (await PaymentBooks(self.uow, self.tenant, self.ids, self.now).request(invoice)).id
                case DunningAction.CANCEL:
                    reason = f"invoice {invoice.number} was not paid"
                    books = Books(self.uow, self.tenant, self.ids, self.now)
                    assert case.subscription_id is not None
                    await books.cancel(case.subscription_id, reason, when=None, at_period_end=False)
                    return reason
                case DunningAction.DOWNGRADE:
                    books = Books(self.uow, self.tenant, self.ids, self.now)
                    assert case.subscription_id is not None
                    await books.change(case.subscription_id, Change(plan=step.plan_code, later=False))
                    return f"plan {step.plan_code}"
                case DunningAction.WRITE_OFF:
                    return await self._written_off(invoice)
                case _:
                    return "told"
        except Refused as refused:
            return f"not done: {refused.code}"

    async def _written_off(self, invoice: Invoice) -> str:
        if invoice.status is not InvoiceStatus.OPEN:
            return f"not done: it is {invoice.status}"
        await InvoiceBooks(self.uow, self.tenant, self.ids, self.now).write_off(invoice.id, "dunning is exhausted")
        return "written off"

    async def _reminder(self, case: DunningCase, step: DunningStep, invoice: Invoice) -> Reminder:
        customer = await self.uow.customers.get(case.customer_id)
        method = await self.uow.payments.default_method(case.customer_id)
        live = await self.uow.payments.live(invoice.id)
        assert step.template is not None
        return Reminder(
            step=step.number,
            template=step.template,
            name=customer.name,
            email=customer.email,
            locale=customer.locale,
            facts={
                "seller": invoice.content.seller.name,
                "number": invoice.number or "",
                "amount": str(case.due),
                "method": method.label if method else "",
                "link": (live.action_url or "") if live else "",
                "contact": invoice.content.seller.email or "",
            },
        )

    async def _done(self, case: DunningCase, step: DunningStep, outcome: str) -> DunningCase:
        # The step may have closed the case, or planned more.
        now = await self.uow.dunning.hold(case.invoice_id)
        done = await self.with_step(now, step, status=StepStatus.DONE, done_at=self.now, outcome=outcome)
        self.uow.events.append(
            DunningStepped(
                **self.named(case),
                step=step.number,
                action=step.action,
                channel=step.channel,
                template=step.template,
                outcome=outcome,
            )
        )
        return done


async def settle_dunning(uow: BillingUnitOfWork, cmd: SettleDunning, ids: Ids) -> DunningProgress:
    """What is due by the command's now, and what comes next. May be done again. Raises DunningCaseNotFound."""
    case, reminder = await DunningBooks(uow, cmd.tenant_id, ids, cmd.now).settle(cmd)
    told = dunning_standing(case)
    if reminder is None and told.next_at is not None and told.next_at <= cmd.now:
        # What is due and was not done waits for somebody, who will tell.
        approval = case.next is not None and case.next.approval and not case.next.approved
        why = "it waits for approval" if approval else "a payment is under way"
        told = told.model_copy(update={"next_at": None, "why": why})
    return told.model_copy(update={"reminder": reminder})


async def steer_dunning(uow: BillingUnitOfWork, cmd: SteerDunning, ids: Ids, *, now: datetime) -> DunningCase:
    """See `DunningBooks.steer`."""
    return await DunningBooks(uow, cmd.tenant_id, ids, now).steer(cmd)


def dunning_standing(case: DunningCase) -> DunningProgress:
    """Where it stands, and what happens next, when and why."""
    told = DunningProgress(status=case.status.value, decline=case.decline.value)
    if not case.is_open:
        return told.model_copy(update={"over": True})
    if case.status is DunningStatus.PAUSED:
        why = f"somebody has paused it: {case.paused_reason}"
        return told.model_copy(update={"next": "resume", "next_at": case.resume_at, "why": why})
    coming = [each for each in case.steps if each.status is StepStatus.WAITING and case.decline in each.declines]
    if not coming:
        last = max(each.at for each in case.steps)
        return told.model_copy(update={"next": "close", "next_at": last, "why": "no step is left"})
    step = min(coming, key=lambda each: (each.at, each.number))
    what = f"{step.action.value}{f' ({step.template.value})' if step.template else ''}"
    waits = step.approval and not step.approved
    why = "it waits for approval" if waits else f"the last attempt failed ({case.decline.value})"
    return told.model_copy(update={"next": what, "next_at": step.at, "why": why, "step": step.number})
