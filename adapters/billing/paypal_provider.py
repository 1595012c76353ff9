"""PayPal, by its REST interface: orders that are captured from a vaulted payment method.

Orders v2, Payments v2, Vault v3, and Webhooks v1 (https://developer.paypal.com/api/rest/). Our payment's id is the
request id under which an order is created, which moves no money, and by which a lost one is found: PayPal answers a
request id that it has seen with the order that there is. Only then is it captured, so it is never captured twice.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from adapters.billing.paypal_answers import (
    amount_of,
    answer_of,
    attached,
    capture_of,
    declined,
    message_of,
    minor,
    refund_of,
    webhook_of,
)
from domain.billing.customer_model import Customer
from domain.billing.events import PaymentMethod
from domain.billing.payment_errors import (
    PaymentAccountRefused,
    PaymentMethodRefused,
    ProviderUnreachable,
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

log = structlog.get_logger(__name__)
_SECONDS = 20.0
_WEBHOOKS = (
    "CHECKOUT.ORDER.APPROVED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.DENIED",
    "PAYMENT.CAPTURE.PENDING",
    "PAYMENT.CAPTURE.REFUNDED",
    "CUSTOMER.DISPUTE.CREATED",
    "CUSTOMER.DISPUTE.UPDATED",
    "CUSTOMER.DISPUTE.RESOLVED",
)
# https://developer.paypal.com/docs/api/customer-disputes/v1/: how a dispute ends that costs the seller the money.
_LOST = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})


class PayPalRefusal(Exception):
    """PayPal will not do it: the issue that it names, and its sentence."""

    def __init__(self, issue: str, message: str) -> None:
        super().__init__(message)
        self.issue, self.message = issue, message


class PayPalProvider:
    """One client for all tenants; each call is made as the tenant's own application."""

    def __init__(self, url: str, return_url: str) -> None:
        self._url, self._return_url = url.rstrip("/"), return_url
        self._http: httpx.AsyncClient | None = None
        self._tokens: dict[str, tuple[str, float]] = {}
        self._certificates: dict[str, bytes] = {}

    async def connect(self, credentials: Credentials, webhooks: str) -> Connection:
        """Have webhooks sent to this URL, which proves them. Raises PaymentAccountRefused, ProviderUnreachable."""
        wanted = {"url": webhooks, "event_types": [{"name": name} for name in _WEBHOOKS]}
        try:
            made = await self._ask(credentials, "POST", "/v1/notifications/webhooks", wanted)
        except PayPalRefusal as refusal:
            if refusal.issue != "WEBHOOK_URL_ALREADY_EXISTS":
                raise PaymentAccountRefused(refusal.message) from None
            known = await self._ask(credentials, "GET", "/v1/notifications/webhooks")
            made = next(each for each in known["webhooks"] if each["url"] == webhooks)
        return Connection(reference=made["id"], webhook_secret=made["id"])

    async def attach(
        self, credentials: Credentials, customer: Customer, token: str, *, known_as: str | None
    ) -> AttachedMethod:
        """Keep what the customer has approved as a setup token. Raises PaymentMethodRefused, ProviderUnreachable."""
        wanted: dict[str, Any] = {"payment_source": {"token": {"id": token, "type": "SETUP_TOKEN"}}}
        if known_as is not None:
            wanted["customer"] = {"id": known_as}
        try:
            made = await self._ask(credentials, "POST", "/v3/vault/payment-tokens", wanted, key=f"vault-{token}")
        except PayPalRefusal as refusal:
            raise PaymentMethodRefused(refusal.message, decline_code=refusal.issue) from None
        return attached(made)

    async def detach(self, credentials: Credentials, method: SavedPaymentMethod) -> None:
        """Have it forgotten, if it is still there. Raises ProviderUnreachable."""
        try:
            await self._ask(credentials, "DELETE", f"/v3/vault/payment-tokens/{method.token}")
        except PayPalRefusal:
            return

    async def charge(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer:
        """Create an order, and capture it. Raises ProviderUnreachable."""
        try:
            made = await self._order(credentials, order)
            if made["status"] == "CREATED":
                made = await self._captured(credentials, order, made["id"])
            return await self._told(credentials, order, made)
        except PayPalRefusal as refusal:
            return declined(refusal.issue, refusal.message)
        except PaymentAccountRefused as refused:
            # Nothing has moved: our application's rights are wrong, which somebody has to mend.
            return declined("refused_request", refused.message)

    async def look_up(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer | None:
        """What became of the order; None if nothing has captured it. Raises ProviderUnreachable."""
        try:
            reference = order.reference or (await self._order(credentials, order))["id"]
            known = await self._ask(credentials, "GET", f"/v2/checkout/orders/{reference}")
            return None if known["status"] == "CREATED" else await self._told(credentials, order, known)
        except PayPalRefusal as refusal:
            return declined(refusal.issue, refusal.message)

    async def cancel(self, credentials: Credentials, order: ChargeOrder, known: ProviderAnswer) -> ProviderAnswer:
        """An order that nobody captures moves no money, so it is left alone. Raises ProviderUnreachable."""
        found = await self._ask(credentials, "GET", f"/v2/checkout/orders/{known.reference}")
        if found["status"] == "COMPLETED":
            return await self._told(credentials, order, found)
        return ProviderAnswer(status=PaymentStatus.CANCELED, reference=known.reference)

    async def refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer:
        """Refund the order's capture, or a part of it. Raises ProviderUnreachable."""
        try:
            paid = await self._ask(credentials, "GET", f"/v2/checkout/orders/{order.payment}")
            capture = capture_of(paid)
            # Webhooks about a refund say its own custom id, so that is the payment's.
            ours = paid["purchase_units"][0]["custom_id"]
            wanted = {"amount": amount_of(order.amount), "custom_id": ours, "invoice_id": order.key}
            path = f"/v2/payments/captures/{capture['id']}/refund"
            made = await self._ask(credentials, "POST", path, wanted, key=order.key)
        except (PayPalRefusal, PaymentAccountRefused) as refusal:
            return RefundAnswer(status=RefundStatus.FAILED, message=refusal.message)
        return refund_of(made)

    async def look_up_refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer | None:
        """The refund that has our key, of the order. Raises ProviderUnreachable."""
        try:
            paid = await self._ask(credentials, "GET", f"/v2/checkout/orders/{order.payment}")
        except PayPalRefusal as refusal:
            return RefundAnswer(status=RefundStatus.FAILED, message=refusal.message)
        found = paid["purchase_units"][0].get("payments", {}).get("refunds", [])
        return next((refund_of(each) for each in found if each.get("invoice_id") == order.key), None)

    async def heard(self, secret: str, payload: bytes, headers: Mapping[str, str]) -> Webhook:
        """What a webhook is about, if PayPal has signed it for ours. Raises WebhookRefused, ProviderUnreachable."""
        try:
            names = ("Transmission-Id", "Transmission-Time", "Transmission-Sig", "Cert-Url")
            id_, at, signature, certificate = (headers[f"Paypal-{name}"] for name in names)
            if headers.get("Paypal-Auth-Algo", "") != "SHA256withRSA":
                raise WebhookRefused(reason="it is not signed by SHA256withRSA")
            key = load_pem_x509_certificate(await self._certificate(certificate)).public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            signed = f"{id_}|{at}|{secret}|{zlib.crc32(payload)}".encode()
            key.verify(base64.b64decode(signature), signed, padding.PKCS1v15(), SHA256())
            return webhook_of(json.loads(payload))
        except (KeyError, ValueError, TypeError, AssertionError, InvalidSignature) as error:
            raise WebhookRefused(reason=f"{type(error).__name__}: {error}"[:200]) from None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _order(self, credentials: Credentials, order: ChargeOrder) -> Any:
        """The payment's order, which is made if it is not there."""
        unit = {
            "amount": amount_of(order.amount),
            "custom_id": order.payment_id,
            "invoice_id": order.payment_id,
            "description": order.description,
        }
        wanted = {"intent": "CAPTURE", "purchase_units": [unit]}
        return await self._ask(credentials, "POST", "/v2/checkout/orders", wanted, key=order.payment_id)

    async def _captured(self, credentials: Credentials, order: ChargeOrder, reference: str) -> Any:
        """The order after an attempt to capture it from the customer's payment method."""
        source: dict[str, Any] = {"vault_id": order.token}
        if order.method is PaymentMethod.PAYPAL:
            source["experience_context"] = {"return_url": self._return_url, "cancel_url": self._return_url}
        path, wanted = f"/v2/checkout/orders/{reference}", {"payment_source": {order.method.value: source}}
        try:
            return await self._ask(credentials, "POST", f"{path}/capture", wanted, key=f"{order.payment_id}-capture")
        except PayPalRefusal as refusal:
            if refusal.issue == "DUPLICATE_INVOICE_ID":
                # Its request id is long forgotten, and another order of ours has collected it.
                message = f"PayPal has captured {order.payment_id} by another order: find it there by this invoice id"
                raise ProviderUnreachable(message) from None
            if refusal.issue in ("PAYER_ACTION_REQUIRED", "ORDER_ALREADY_CAPTURED"):
                return await self._ask(credentials, "GET", path)
            raise

    async def _told(self, credentials: Credentials, order: ChargeOrder, found: Mapping[str, Any]) -> ProviderAnswer:
        if found["status"] == "APPROVED":
            path = f"/v2/checkout/orders/{found['id']}/capture"
            found = await self._ask(credentials, "POST", path, {}, key=f"{order.payment_id}-approved")
        answer = answer_of(found)
        if not answer.disputed:
            return answer
        try:
            withdrawn: int | None = await self._withdrawn(credentials, capture_of(found))
        except (PayPalRefusal, PaymentAccountRefused) as refused:
            # It was collected all the same.
            reason = refused.message
            log.error("billing.payment_not_readable", provider="paypal", reference=found["id"], reason=reason)
            withdrawn = None
        return answer.model_copy(update={"withdrawn_minor": withdrawn})

    async def _withdrawn(self, credentials: Credentials, capture: Mapping[str, Any]) -> int:
        """What disputes that were lost have taken, in minor units."""
        total = 0
        for each in capture["disputes"]:
            dispute = await self._ask(credentials, "GET", f"/v1/customer/disputes/{each['dispute_id']}")
            outcome = dispute.get("dispute_outcome") or {}
            if outcome.get("outcome_code") in _LOST:
                total += minor(outcome.get("amount_refunded") or dispute["dispute_amount"])
        return total

    async def _certificate(self, url: str) -> bytes:
        """From PayPal itself, and from nowhere else."""
        host, ours = urlsplit(url), urlsplit(self._url)
        if (host.scheme, host.netloc) != (ours.scheme, ours.netloc) and not (
            host.scheme == "https" and (host.hostname or "").endswith(".paypal.com")
        ):
            raise WebhookRefused(reason="its certificate is not PayPal's")
        if url not in self._certificates:
            answer = await self._sent("GET", url, {})
            self._certificates[url] = answer.content
        return self._certificates[url]

    async def _ask(
        self, credentials: Credentials, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> Any:
        """Raises PayPalRefusal, PaymentAccountRefused, ProviderUnreachable."""
        headers = {"Authorization": f"Bearer {await self._token(credentials)}", "Prefer": "return=representation"}
        if key is not None:
            headers["PayPal-Request-Id"] = key
        content = None if body is None else json.dumps(body).encode()
        answer = await self._sent(method, self._url + path, {**headers, "Content-Type": "application/json"}, content)
        if answer.status_code in (401, 403):
            self._tokens.pop(credentials.client_id or "", None)
            raise PaymentAccountRefused(message_of(answer))
        told = answer.json() if answer.content else {}
        if answer.is_error:
            details = told.get("details") or [{}]
            raise PayPalRefusal(details[0].get("issue") or told.get("name", "refused"), message_of(answer))
        return told

    async def _token(self, credentials: Credentials) -> str:
        known = self._tokens.get(credentials.client_id or "")
        if known is not None and known[1] > time.monotonic():
            return known[0]
        basic = base64.b64encode(f"{credentials.client_id}:{credentials.secret_key}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._sent("POST", f"{self._url}/v1/oauth2/token", headers, b"grant_type=client_credentials")
        if answer.is_error:
            raise PaymentAccountRefused(message_of(answer))
        token: str = answer.json()["access_token"]
        # A minute less than it lasts, so that it does not end on the way.
        self._tokens[credentials.client_id or ""] = (token, time.monotonic() + answer.json()["expires_in"] - 60)
        return token

    async def _sent(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> httpx.Response:
        self._http = self._http or httpx.AsyncClient(timeout=_SECONDS)
        try:
            answer = await self._http.request(method, url, headers=headers, content=content)
        except httpx.TransportError as lost:
            raise ProviderUnreachable(f"{type(lost).__name__}: {lost}"[:300]) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ProviderUnreachable(f"PayPal answers {answer.status_code}")
        return answer
