"""Stripe, by its own SDK: payment intents off session, with our payment's id as the idempotency key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from adapters.billing.stripe_refusals import decline_of, field, named
from domain.billing.customer_model import Customer
from domain.billing.events import Decline, PaymentMethod
from domain.billing.payment_errors import (
    PaymentAccountRefused,
    PaymentMethodRefused,
    WebhookRefused,
)
from domain.billing.payment_model import (
    AttachedMethod,
    ChargeOrder,
    Connection,
    Credentials,
    PaymentStatus,
    ProviderAnswer,
    SavedPaymentMethod,
    Webhook,
)
from domain.billing.refund_model import RefundAnswer, RefundOrder, RefundStatus

if TYPE_CHECKING:
    import stripe

WEBHOOKS: list[Any] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
]
log = structlog.get_logger(__name__)
OURS = "harborgrid_payment"
"""The metadata by which we find our payment again."""

OUR_REFUND = "harborgrid_refund"
_SECONDS = 20.0
_TOLERANCE_SECONDS = 300
_PAGE = 100
_TELLS = {
    "payment_intent.succeeded": PaymentStatus.SUCCEEDED,
    "payment_intent.payment_failed": PaymentStatus.FAILED,
    "payment_intent.canceled": PaymentStatus.CANCELED,
}
_STATUS = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "processing": PaymentStatus.PROCESSING,
    "requires_action": PaymentStatus.ACTION_REQUIRED,
    "canceled": PaymentStatus.CANCELED,
    "requires_payment_method": PaymentStatus.FAILED,
    "requires_confirmation": PaymentStatus.FAILED,
    "requires_capture": PaymentStatus.PROCESSING,
}


_REFUND_STATUS = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


class StripeProvider:
    """One client for all tenants; each call is made with the tenant's own key."""

    def __init__(self, url: str, return_url: str) -> None:
        self._url, self._return_url = url, return_url
        self._http: Any = None

    async def connect(self, credentials: Credentials, webhooks: str) -> Connection:
        """Have webhooks sent to this URL, which proves the key. Raises PaymentAccountRefused, ProviderUnreachable."""
        async with named():
            made = await self._client(credentials).v1.webhook_endpoints.create_async(
                {"url": webhooks, "enabled_events": WEBHOOKS, "description": "HarborGrid billing"}
            )
        return Connection(reference=made.id, webhook_secret=made.secret or "")

    async def attach(
        self, credentials: Credentials, customer: Customer, token: str, *, known_as: str | None
    ) -> AttachedMethod:
        """Attach a payment method that Stripe's own page has made. Raises PaymentMethodRefused, ProviderUnreachable."""
        v1 = self._client(credentials).v1
        async with named():
            if known_as is None:
                made = await v1.customers.create_async(
                    {"name": customer.name, "email": customer.email, "metadata": {"harborgrid_customer": customer.id}},
                    {"idempotency_key": f"customer-{customer.id}-{customer.revision}"},
                )
                known_as = made.id
            method = await v1.payment_methods.attach_async(token, {"customer": known_as})
        return _attached(known_as, method)

    async def detach(self, credentials: Credentials, method: SavedPaymentMethod) -> None:
        """Have it forgotten. Raises ProviderUnreachable."""
        import stripe  # noqa: PLC0415 - a third of a second, where it is used

        try:
            async with named(raw=stripe.InvalidRequestError):
                await self._client(credentials).v1.payment_methods.detach_async(method.token)
        except stripe.InvalidRequestError:
            # It is not attached any more, which is what was wanted.
            return

    async def charge(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer:
        """Create and confirm a payment intent. Raises ProviderUnreachable."""
        client = self._client(credentials)
        return await self._answered(
            client,
            order,
            client.v1.payment_intents.create_async(
                {
                    "amount": order.amount.minor,
                    "currency": order.amount.currency.lower(),
                    "customer": order.customer,
                    "payment_method": order.token,
                    "description": order.description,
                    "metadata": {OURS: order.payment_id},
                    "confirm": True,
                    "off_session": True,
                },
                {"idempotency_key": order.payment_id},
            ),
        )

    async def look_up(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer | None:
        """The intent that has our payment's id. Raises ProviderUnreachable."""
        client = self._client(credentials)
        v1 = client.v1
        async with named():
            if order.reference is not None:
                intent = await v1.payment_intents.retrieve_async(order.reference)
                return await self._asked_customer(client, order, await self._told(v1, intent))
            since = int((order.sent_at - timedelta(days=1)).timestamp())
            page = await v1.payment_intents.list_async(
                {"customer": order.customer, "created": {"gte": since}, "limit": _PAGE}
            )
            async for intent in page.auto_paging_iter():
                if _ours(intent) == order.payment_id:
                    return await self._asked_customer(client, order, await self._told(v1, intent))
        return None

    async def refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer:
        """Refund a payment intent, or a part of it. Raises ProviderUnreachable."""
        try:
            async with named():
                made = await self._client(credentials).v1.refunds.create_async(
                    {
                        "payment_intent": order.payment,
                        "amount": order.amount.minor,
                        "metadata": {OUR_REFUND: order.key},
                    },
                    {"idempotency_key": order.key},
                )
        except (PaymentMethodRefused, PaymentAccountRefused) as refused:
            return RefundAnswer(status=RefundStatus.FAILED, message=refused.message)
        return _refund(made)

    async def look_up_refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer | None:
        """The refund that has our key. Raises ProviderUnreachable."""
        async with named():
            page = await self._client(credentials).v1.refunds.list_async(
                {"payment_intent": order.payment, "limit": _PAGE}
            )
            async for made in page.auto_paging_iter():
                if made.metadata is not None and dict(made.metadata.to_dict()).get(OUR_REFUND) == order.key:
                    return _refund(made)
        return None

    async def cancel(self, credentials: Credentials, order: ChargeOrder, known: ProviderAnswer) -> ProviderAnswer:
        """Cancel the intent; what has moved meanwhile is told instead. Raises ProviderUnreachable."""
        import stripe  # noqa: PLC0415 - a third of a second, where it is used

        v1 = self._client(credentials).v1
        assert known.reference is not None
        try:
            async with named(raw=stripe.InvalidRequestError):
                intent = await v1.payment_intents.cancel_async(known.reference, {"cancellation_reason": "abandoned"})
        except stripe.InvalidRequestError:
            async with named():
                intent = await v1.payment_intents.retrieve_async(known.reference)
        return await self._told(v1, intent)

    async def heard(self, secret: str, payload: bytes, headers: Mapping[str, str]) -> Webhook:
        """What a webhook is about, if Stripe has signed it. Raises WebhookRefused."""
        import stripe  # noqa: PLC0415 - a third of a second, where it is used

        try:
            signature = headers.get("Stripe-Signature")
            stripe.WebhookSignature.verify_header(payload.decode(), signature, secret, _TOLERANCE_SECONDS)
            event = json.loads(payload)
            about = event["data"]["object"]
            return Webhook(
                id=event["id"],
                type=event["type"],
                payment_id=(about.get("metadata") or {}).get(OURS),
                reference=about["id"] if about["object"] == "payment_intent" else about.get("payment_intent"),
                status=_TELLS.get(event["type"]),
            )
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WebhookRefused(reason=str(error)[:200]) from None

    async def _answered(
        self, client: stripe.StripeClient, order: ChargeOrder, call: Awaitable[stripe.PaymentIntent]
    ) -> ProviderAnswer:
        import stripe  # noqa: PLC0415 - a third of a second, where it is used

        try:
            async with named(raw=stripe.CardError):
                return await self._told(client.v1, await call)
        except stripe.CardError as declined:
            intent = field(declined.error, "payment_intent")
            code = field(declined.error, "decline_code") or declined.code or "declined"
            answer = ProviderAnswer(
                status=PaymentStatus.FAILED,
                reference=intent.id if intent else None,
                decline=decline_of(code),
                decline_code=code,
                message=declined.user_message,
            )
        except PaymentAccountRefused as refused:
            # Nothing has moved: our key or our request is wrong, which somebody has to mend.
            return ProviderAnswer(
                status=PaymentStatus.FAILED,
                decline=Decline.SOFT,
                decline_code="refused_request",
                message=refused.message,
            )
        except PaymentMethodRefused as refused:
            return ProviderAnswer(
                status=PaymentStatus.FAILED,
                decline=Decline.HARD,
                decline_code=str(refused.details.get("decline_code") or "invalid_request"),
                message=refused.message,
            )
        return await self._asked_customer(client, order, answer)

    async def _asked_customer(
        self, client: stripe.StripeClient, order: ChargeOrder, answer: ProviderAnswer
    ) -> ProviderAnswer:
        """If the bank wants to know who pays: confirmed on session, for which Stripe has a page."""
        if answer.decline_code != "authentication_required" or answer.reference is None:
            return answer
        async with named():
            confirmed = await client.v1.payment_intents.confirm_async(
                answer.reference,
                {"payment_method": order.token, "return_url": self._return_url},
                {"idempotency_key": f"{order.payment_id}-on-session"},
            )
            return await self._told(client.v1, confirmed)

    async def _told(self, v1: Any, intent: stripe.PaymentIntent) -> ProviderAnswer:
        status = _STATUS[intent.status]
        if status is PaymentStatus.SUCCEEDED:
            return await _collected(v1, intent)
        error = intent.last_payment_error
        code = field(error, "decline_code") or field(error, "code") or "declined"
        failed = status is PaymentStatus.FAILED
        page = field(intent.next_action, "redirect_to_url")
        return ProviderAnswer(
            status=status,
            reference=intent.id,
            decline=decline_of(code) if failed else None,
            decline_code=code if failed else None,
            message=field(error, "message") if failed else None,
            action_url=field(page, "url"),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close_async()

    def _client(self, credentials: Credentials) -> stripe.StripeClient:
        import stripe  # noqa: PLC0415 - a third of a second, where it is used

        self._http = self._http or stripe.HTTPXClient(timeout=_SECONDS)
        return stripe.StripeClient(
            credentials.secret_key,
            http_client=self._http,
            base_addresses={"api": self._url},
            # Our own processes try again, and ask before they do.
            max_network_retries=0,
        )


async def _collected(v1: Any, intent: stripe.PaymentIntent) -> ProviderAnswer:
    """The money was collected, whatever our key may not read of what became of it."""
    answer = ProviderAnswer(status=PaymentStatus.SUCCEEDED, reference=intent.id)
    try:
        async with named():
            charge = await v1.charges.retrieve_async(str(intent.latest_charge))
            withdrawn = await _withdrawn(v1, intent) if charge.disputed else 0
    except (PaymentAccountRefused, PaymentMethodRefused) as refused:
        log.error("billing.payment_not_readable", provider="stripe", reference=intent.id, reason=refused.message)
        return answer.model_copy(update={"refunded_minor": None, "withdrawn_minor": None})
    known = {"refunded_minor": charge.amount_refunded, "disputed": charge.disputed, "withdrawn_minor": withdrawn}
    return answer.model_copy(update=known)


async def _withdrawn(v1: Any, intent: stripe.PaymentIntent) -> int:
    """What disputes hold of the payment, in its minor units.

    The account's own movements say whether a dispute took the money, and has given it again; they may be in another
    currency.
    """
    page = await v1.disputes.list_async({"payment_intent": intent.id, "limit": _PAGE})
    return sum(
        [
            dispute.amount
            async for dispute in page.auto_paging_iter()
            if sum(moved.amount for moved in dispute.balance_transactions) < 0
        ]
    )


def _ours(intent: stripe.PaymentIntent) -> str | None:
    known: dict[str, str] = dict(intent.metadata.to_dict())
    return known.get(OURS)


def _refund(made: stripe.Refund) -> RefundAnswer:
    status = _REFUND_STATUS.get(made.status or "", RefundStatus.PROCESSING)
    return RefundAnswer(status=status, reference=made.id, message=field(made, "failure_reason"))


def _attached(customer: str, method: Any) -> AttachedMethod:
    if method.type == "card":
        card = method.card
        return AttachedMethod(
            customer=customer,
            token=method.id,
            method=PaymentMethod.CARD,
            label=f"{card.brand.title()} •••• {card.last4}",
            expires=f"{card.exp_year}-{card.exp_month:02}",
        )
    if method.type == "sepa_debit":
        debit = method.sepa_debit
        return AttachedMethod(
            customer=customer,
            token=method.id,
            method=PaymentMethod.SEPA_DEBIT,
            label=f"SEPA {debit.country} •••• {debit.last4}",
        )
    raise PaymentMethodRefused("invoices are collected by card or SEPA debit", type=method.type)
