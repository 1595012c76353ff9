"""Payments: written down before they are sent, and asked after before anything is tried again.

An invoice has one payment at most by which money may still move. Whoever wants to collect writes one down with its
event; its process sends it with its id as the idempotency key. If no answer comes, the provider is asked what it knows
of it, and only if that is nothing, the same is sent again with the same key. Nothing else settles the invoice then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from domain.billing.events import Decline, PaymentFailed, Provider
from domain.billing.ids import InvoiceId, PaymentId, PaymentMethodId
from domain.billing.invoice_errors import InvoiceStepNotPossible
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.payment_errors import (
    PaymentMethodMissing,
    PaymentStepNotPossible,
    PaymentUnderWay,
)
from domain.billing.payment_events import (
    PaymentActionRequired,
    PaymentCanceled,
    PaymentDisputed,
    PaymentFundsReinstated,
    PaymentFundsWithdrawn,
    PaymentHinted,
    PaymentRefunded,
    PaymentRequested,
    PaymentSucceeded,
)
from domain.billing.payment_model import (
    ChargeOrder,
    Payment,
    PaymentStatus,
    ProviderAnswer,
    Webhook,
)
from domain.billing.permissions import (
    CANCEL_PAYMENT,
    COLLECT_INVOICE,
)
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids

AUTHENTICATION_TIME = timedelta(days=3)
"""So long a customer may take to prove who it is."""

_COLLECTABLE = (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
_SOONEST, _LATEST = timedelta(seconds=2), timedelta(hours=1)
PROCESSING = timedelta(hours=6)
"""A provider that has not decided is asked again after so long, unless it tells before."""


def patience(checks: int) -> timedelta:
    """How long to wait before a provider is asked again that did not answer so many times."""
    doubled = 1 << min(checks, 12)
    return min(_SOONEST * doubled, _LATEST)


class Told(NamedTuple):
    """A payment and its invoice, both held, after the provider was asked.

    collected, given_back, withdrawn: by this answer; withdrawn is negative if a dispute was won.
    """

    payment: Payment
    invoice: Invoice
    collected: bool
    given_back: Money
    withdrawn: Money


class PaymentBooks:
    """What every step of a payment writes to: one tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def collect(self, invoice_id: InvoiceId, method_id: PaymentMethodId | None) -> Payment:
        """Somebody asks for it. Raises InvoiceNotFound, and what `request` raises."""
        invoice = await self.uow.invoices.hold(invoice_id)
        self.now = await self.uow.clocks.now_of(invoice.customer_id, self.now)
        payment = await self.request(invoice, method_id)
        self._audit(COLLECT_INVOICE, invoice.id, {"paymentId": payment.id, "amount": str(payment.amount)})
        return payment

    async def request(self, invoice: Invoice, method_id: PaymentMethodId | None = None) -> Payment:
        """Write down an attempt to collect an invoice that is held; its process sends it.

        Raises InvoiceStepNotPossible, PaymentUnderWay, PaymentMethodMissing, PaymentMethodNotFound.
        """
        if invoice.status not in _COLLECTABLE:
            raise InvoiceStepNotPossible(status=invoice.status.value)
        if (live := await self.uow.payments.live(invoice.id)) is not None:
            raise PaymentUnderWay(payment_id=live.id, status=live.status.value)
        if method_id is None:
            method = await self.uow.payments.default_method(invoice.customer_id)
        else:
            method = await self.uow.payments.method(method_id)
        if method is None or method.customer_id != invoice.customer_id:
            raise PaymentMethodMissing(customer_id=invoice.customer_id)
        due = invoice.due
        payment = Payment(
            id=self.ids(PaymentId),
            invoice_id=invoice.id,
            customer_id=invoice.customer_id,
            method_id=method.id,
            provider=method.provider,
            method=method.method,
            amount=due,
            attempt=await self.uow.payments.attempts(invoice.id) + 1,
            status=PaymentStatus.PENDING,
            refunded=due.of(minor=0),
            withdrawn=due.of(minor=0),
            created_at=self.now,
        )
        await self.uow.payments.put(payment)
        self.uow.events.append(PaymentRequested(**self._named(payment), amount=due, attempt=payment.attempt))
        return payment

    async def cancel(self, payment_id: PaymentId) -> Payment:
        """Have the provider drop it, unless money has moved. Raises PaymentNotFound, PaymentStepNotPossible."""
        payment = await self.uow.payments.hold(payment_id)
        if not payment.is_live:
            raise PaymentStepNotPossible(status=payment.status.value)
        wanted = await self.call_off(payment)
        self._audit(CANCEL_PAYMENT, payment.id, {"invoiceId": payment.invoice_id})
        return wanted

    async def call_off(self, payment: Payment) -> Payment:
        """The same for a payment of an invoice that is held, without anybody having asked."""
        self.hint(payment.id, "cancel")
        return await self._put(payment, canceling=True)

    def hint(self, payment_id: PaymentId, hint: str) -> None:
        """Let its process ask what became of it."""
        self.uow.events.append(
            PaymentHinted(tenant_id=self.tenant, payment_id=payment_id, hint=hint, occurred_at=self.now)
        )

    async def hear(self, provider: Provider, webhook: Webhook) -> bool:
        """A webhook, which may come twice, late and out of order: the payment's process asks what is true.

        Whether it is new. Raises PaymentNotFound.
        """
        if not await self.uow.payments.first_told(provider, webhook.id):
            return False
        about = None
        if webhook.payment_id is not None:
            about = await self.uow.payments.get(webhook.payment_id)
        elif webhook.reference is not None:
            about = await self.uow.payments.referred(provider, webhook.reference)
        if about is not None and (about.is_live or webhook.status is not about.status):
            self.hint(about.id, webhook.type)
        return True

    async def order(self, payment_id: PaymentId) -> tuple[Payment, ChargeOrder, bool]:
        """What to send or ask about, and whether it is sent for the first time: that it is, is written down first.

        Raises PaymentNotFound.
        """
        payment = await self.uow.payments.hold(payment_id)
        method = await self.uow.payments.method(payment.method_id, removed=True)
        invoice = await self.uow.invoices.get(payment.invoice_id)
        first = payment.sent_at is None
        if payment.sent_at is None:
            payment = await self._put(payment, sent_at=self.now)
        assert payment.sent_at is not None
        order = ChargeOrder(
            payment_id=payment.id,
            provider=payment.provider,
            customer=method.account_reference,
            method=payment.method,
            token=method.token,
            amount=payment.amount,
            description=invoice.number or invoice.id,
            reference=payment.reference,
            sent_at=payment.sent_at,
        )
        return payment, order, first

    async def lost(self, payment_id: PaymentId, message: str) -> Payment:
        """No answer: money may have moved or not. It is asked after in a while, ever more patiently."""
        payment = await self.uow.payments.hold(payment_id)
        wait = patience(payment.checks)
        changes: dict[str, Any] = {"checks": payment.checks + 1, "check_at": self.now + wait}
        if payment.is_live:
            changes["message"] = message
        if payment.status is PaymentStatus.PENDING:
            changes["status"] = PaymentStatus.UNKNOWN
        return await self._put(payment, **changes)

    async def told(self, payment_id: PaymentId, answer: ProviderAnswer) -> Told:
        """What the provider says of it now.

        What is settled stays so, whatever comes late; refunds and disputes are added to it.
        """
        invoice = await self.uow.invoices.hold((await self.uow.payments.get(payment_id)).invoice_id)
        payment = await self.uow.payments.hold(payment_id)
        before = payment
        payment = await self._afterwards(payment, answer)
        moved = payment.refunded - before.refunded, payment.withdrawn - before.withdrawn
        if payment.is_live:
            payment = await self._settled(payment, invoice, answer)
            return Told(payment, invoice, payment.status is PaymentStatus.SUCCEEDED, *moved)
        if payment.is_asked_about:
            payment = await self._put(payment, checks=0, check_at=None)
        return Told(payment, invoice, False, *moved)

    async def _settled(self, payment: Payment, invoice: Invoice, answer: ProviderAnswer) -> Payment:
        told = ("reference", "decline", "decline_code", "message", "action_url")
        known: dict[str, Any] = {**{name: getattr(answer, name) for name in told}, "checks": 0}
        match answer.status:
            case PaymentStatus.SUCCEEDED:
                return await self._succeeded(payment, known)
            case PaymentStatus.FAILED:
                return await self._failed(payment, invoice, known)
            case PaymentStatus.CANCELED:
                return await self._canceled(payment, invoice, known)
            case PaymentStatus.ACTION_REQUIRED:
                return await self._waits_for_customer(payment, known)
            case _:
                return await self._put(
                    payment, status=PaymentStatus.PROCESSING, check_at=self.now + PROCESSING, **known
                )

    async def _succeeded(self, payment: Payment, known: dict[str, Any]) -> Payment:
        done = await self._put(
            payment, **known, status=PaymentStatus.SUCCEEDED, settled_at=self.now, check_at=None, canceling=False
        )
        self.uow.events.append(
            PaymentSucceeded(
                **self._named(payment),
                amount=payment.amount,
                provider=payment.provider,
                reference=done.reference or "",
                attempt=payment.attempt,
            )
        )
        return done

    async def _failed(self, payment: Payment, invoice: Invoice, known: dict[str, Any]) -> Payment:
        over = {"status": PaymentStatus.FAILED, "settled_at": self.now, "check_at": None, "action_url": None}
        failed = await self._put(payment, **{**known, **over})
        self._tell_failure(failed, invoice)
        return failed

    async def _canceled(self, payment: Payment, invoice: Invoice, known: dict[str, Any]) -> Payment:
        """Dropped: because somebody wanted that, or because the customer did not prove who it is in time."""
        overslept = payment.status is PaymentStatus.ACTION_REQUIRED and not payment.canceling
        if overslept:
            known |= {"decline": Decline.AUTHENTICATION_REQUIRED, "decline_code": "authentication_not_completed"}
            return await self._failed(payment, invoice, known)
        canceled = await self._put(
            payment, **known, status=PaymentStatus.CANCELED, settled_at=self.now, check_at=None, canceling=False
        )
        self.uow.events.append(PaymentCanceled(**self._named(payment)))
        return canceled

    async def _waits_for_customer(self, payment: Payment, known: dict[str, Any]) -> Payment:
        if payment.status is PaymentStatus.ACTION_REQUIRED:
            return await self._put(payment, checks=0, action_url=known["action_url"] or payment.action_url)
        until = self.now + AUTHENTICATION_TIME
        waiting = await self._put(payment, **known, status=PaymentStatus.ACTION_REQUIRED, check_at=until)
        self.uow.events.append(
            PaymentActionRequired(
                **self._named(payment), due=payment.amount, action_url=waiting.action_url, until=until
            )
        )
        return waiting

    async def _afterwards(self, payment: Payment, answer: ProviderAnswer) -> Payment:
        """Refunds and disputes, of which only what is new is told."""
        refunded = payment.refunded if answer.refunded_minor is None else payment.amount.of(minor=answer.refunded_minor)
        if refunded > payment.refunded:
            new = refunded - payment.refunded
            payment = await self._put(payment, refunded=refunded)
            self.uow.events.append(PaymentRefunded(**self._named(payment), refunded=new, refunded_total=refunded))
        if answer.disputed and not payment.disputed:
            payment = await self._put(payment, disputed=True)
            self.uow.events.append(PaymentDisputed(**self._named(payment), amount=payment.amount))
        withdrawn = payment.amount.of(minor=answer.withdrawn_minor or 0)
        is_known = answer.status is PaymentStatus.SUCCEEDED and answer.withdrawn_minor is not None
        if is_known and withdrawn != payment.withdrawn:
            new = withdrawn - payment.withdrawn
            payment = await self._put(payment, withdrawn=withdrawn)
            self.uow.events.append(
                PaymentFundsWithdrawn(**self._named(payment), withdrawn=new, withdrawn_total=withdrawn)
                if new.minor > 0
                else PaymentFundsReinstated(**self._named(payment), reinstated=-new, withdrawn_total=withdrawn)
            )
        return payment

    def _tell_failure(self, payment: Payment, invoice: Invoice) -> None:
        self.uow.events.append(
            PaymentFailed(
                **self._named(payment),
                subscription_id=invoice.subscription_id,
                due=payment.amount,
                method=payment.method,
                provider=payment.provider,
                decline=payment.decline or Decline.SOFT,
                decline_code=payment.decline_code or "",
                attempt=payment.attempt,
            )
        )

    async def _put(self, payment: Payment, **changes: object) -> Payment:
        changed = payment.model_copy(update={**changes, "revision": payment.revision + 1})
        await self.uow.payments.put(changed)
        return changed

    def _named(self, payment: Payment) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "payment_id": payment.id,
            "invoice_id": payment.invoice_id,
            "customer_id": payment.customer_id,
            "occurred_at": self.now,
        }

    def _audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )
