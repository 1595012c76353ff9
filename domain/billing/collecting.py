"""Sending a payment, and asking what became of it: the only place that calls a provider for money."""

from __future__ import annotations

from domain.billing.dunning import DunningBooks
from domain.billing.events import Decline
from domain.billing.invoices import InvoiceBooks
from domain.billing.ledger_model import Account
from domain.billing.payment_commands import DrivePayment, PaymentProgress
from domain.billing.payment_errors import PaymentAccountNotConnected, PaymentAccountRefused, ProviderUnreachable
from domain.billing.payment_model import Payment, PaymentStatus, ProviderAnswer
from domain.billing.payment_ports import Providers
from domain.billing.payments import PaymentBooks, Told
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.ports import Ids, Transactions

_WHY = {
    PaymentStatus.PENDING: "it is being sent",
    PaymentStatus.UNKNOWN: "no answer came, and money may have moved: the provider is asked before anything else",
    PaymentStatus.PROCESSING: "the provider has not decided yet",
    PaymentStatus.ACTION_REQUIRED: "the customer has to prove who it is by then",
}
_SETTLED = "it is settled, and the provider could not be asked what it has given back since"


async def drive(
    books: Transactions[BillingUnitOfWork], providers: Providers, cmd: DrivePayment, ids: Ids
) -> PaymentProgress:
    """Send the payment if it was not, ask about it if it was, and write down what is known. May be done again.

    Raises PaymentNotFound.
    """
    created_at = (await books(cmd.tenant_id, lambda uow: uow.payments.get(cmd.payment_id))).created_at
    # A webhook about something that a test clock has put into the future wakes a process of today.
    cmd = cmd.model_copy(update={"now": max(cmd.now, created_at)})
    payment, order, first = await books(
        cmd.tenant_id, lambda uow: PaymentBooks(uow, cmd.tenant_id, ids, cmd.now).order(cmd.payment_id)
    )
    overslept = (
        payment.status is PaymentStatus.ACTION_REQUIRED and payment.check_at is not None and payment.check_at <= cmd.now
    )
    answer: ProviderAnswer | None
    try:
        if first and not payment.canceling:
            answer = await providers.charge(cmd.tenant_id, order)
        else:
            answer = await providers.look_up(cmd.tenant_id, order)
            if answer is None and payment.canceling:
                answer = ProviderAnswer(status=PaymentStatus.CANCELED)
            elif answer is None:
                answer = await providers.charge(cmd.tenant_id, order)
            elif (payment.canceling or overslept) and answer.status is PaymentStatus.ACTION_REQUIRED:
                answer = await providers.cancel(cmd.tenant_id, order, answer)
    except (ProviderUnreachable, PaymentAccountRefused, PaymentAccountNotConnected) as lost:
        # Whoever mends the account finds the payment where it was.
        message = lost.message
        return payment_standing(
            await books(
                cmd.tenant_id,
                lambda uow: PaymentBooks(uow, cmd.tenant_id, ids, cmd.now).lost(cmd.payment_id, message),
            )
        )
    assert answer is not None
    known = answer
    return payment_standing(await books(cmd.tenant_id, lambda uow: _told(uow, cmd, known, ids)))


async def _told(uow: BillingUnitOfWork, cmd: DrivePayment, answer: ProviderAnswer, ids: Ids) -> Payment:
    was = (await uow.payments.get(cmd.payment_id)).status
    told = await PaymentBooks(uow, cmd.tenant_id, ids, cmd.now).told(cmd.payment_id, answer)
    payment, account = told.payment, Account(told.payment.provider)
    invoices = InvoiceBooks(uow, cmd.tenant_id, ids, cmd.now)
    if told.collected:
        await invoices.collected(told.invoice, payment.id, payment.method, account, attempt=payment.attempt)
    await _dunned(told, DunningBooks(uow, cmd.tenant_id, ids, cmd.now), was)
    if told.given_back:
        await invoices.refunded(told.invoice, payment.id, told.given_back, account)
    if told.withdrawn:
        await invoices.withdrawn(told.invoice, payment.id, told.withdrawn, account)
    return payment


async def _dunned(told: Told, books: DunningBooks, was: PaymentStatus) -> None:
    """What a failure, or the end of an attempt, means for dunning."""
    payment = told.payment
    if payment.status is was:
        return
    if payment.status is PaymentStatus.FAILED:
        await books.failed(told.invoice, payment.decline or Decline.SOFT)
    elif payment.status is PaymentStatus.ACTION_REQUIRED:
        await books.failed(told.invoice, Decline.AUTHENTICATION_REQUIRED)
    elif payment.status is PaymentStatus.CANCELED:
        await books.payment_over(told.invoice.id)


def payment_standing(payment: Payment) -> PaymentProgress:
    """Where it stands, and what happens next, when and why."""
    told = PaymentProgress(
        status=payment.status.value,
        amount=str(payment.amount),
        attempt=payment.attempt,
        reference=payment.reference or "",
        decline_code=payment.decline_code or "",
    )
    if not payment.is_asked_about:
        return told.model_copy(update={"over": True})
    waits = payment.status is PaymentStatus.ACTION_REQUIRED
    return told.model_copy(
        update={
            "next": "give up" if waits else "ask the provider",
            "next_at": payment.check_at,
            "why": _WHY.get(payment.status, _SETTLED),
        }
    )
