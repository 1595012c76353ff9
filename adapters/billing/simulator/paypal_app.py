"""PayPal's HTTP interface: applications, vaulted payment methods, orders, refunds, disputes, webhooks signed by RSA.

Any client id is an account of its own. Setup tokens are called as what they do: `paypal-pays`, `paypal-declines`,
`paypal-asks` (the payer has to approve each order), `paypal-disputes`, `card-pays`. What follows a `_` tells them
apart.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from html import escape
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adapters.billing.simulator.faults import broken_before, cut_off
from adapters.billing.simulator.store import Document, Store
from adapters.kernel.clock import utc_now
from domain.kernel.money import Money

BASE = "/paypal"
TOKENS = ("paypal-pays", "paypal-declines", "paypal-asks", "paypal-disputes", "card-pays")
_ACCOUNT = "paypal:"
_REFUSED = ("", "wrong")
# What the sandbox's judge is told, and how the dispute ends.
_OUTCOMES = {"BUYER_FAVOR": "RESOLVED_BUYER_FAVOUR", "SELLER_FAVOR": "RESOLVED_SELLER_FAVOUR"}


class PayPalSaysNo(Exception):
    """An answer that is an error: HTTP status, name, and the issue."""

    def __init__(self, status: int, name: str, issue: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {
            "name": name,
            "message": "The request could not be completed.",
            "details": [{"issue": issue, "description": description}],
        }


class PayPal:
    """The routes of PayPal's API on one store, below `/paypal`."""

    def __init__(self, store: Store, url: str) -> None:
        self._store, self._url = store, url + BASE
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _certificate(self.key)
        posts: dict[str, Callable[[str, Request, Document], Document]] = {
            "/v1/notifications/webhooks": self._webhook,
            "/v3/vault/payment-tokens": self._vault,
            "/v2/checkout/orders": self._order,
            "/v2/checkout/orders/{id}/capture": self._capture,
            "/v2/payments/captures/{id}/refund": self._refund,
            "/v1/customer/disputes/{id}/accept-claim": self._accept,
            "/v1/customer/disputes/{id}/adjudicate": self._adjudicate,
        }
        self.routes = [
            Route(f"{BASE}/v1/oauth2/token", self._token, methods=["POST"]),
            Route(f"{BASE}/v1/notifications/certs/{{name}}", self._certs, methods=["GET"]),
            *(Route(BASE + path, self._post(done), methods=["POST"]) for path, done in posts.items()),
            Route(f"{BASE}/v1/notifications/webhooks", self._webhooks, methods=["GET"]),
            Route(f"{BASE}/v2/checkout/orders/{{id}}", self._get, methods=["GET"]),
            Route(f"{BASE}/v1/customer/disputes/{{id}}", self._get, methods=["GET"]),
            Route(f"{BASE}/v3/vault/payment-tokens/{{id}}", self._forget, methods=["DELETE"]),
            Route(f"{BASE}/simulator/approve/{{account}}/{{id}}", self._page, methods=["GET"]),
            Route(f"{BASE}/simulator/approve/{{account}}/{{id}}", self._approve, methods=["POST"]),
            Route(f"{BASE}/simulator/captures/{{account}}", self._captures, methods=["GET"]),
        ]

    def signed(self, webhook_id: str, event_id: str, body: bytes) -> dict[str, str]:
        """The headers of a webhook."""
        at = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"{event_id}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
        signature = self.key.sign(text, padding.PKCS1v15(), SHA256())
        return {
            "Paypal-Transmission-Id": event_id,
            "Paypal-Transmission-Time": at,
            "Paypal-Transmission-Sig": base64.b64encode(signature).decode(),
            "Paypal-Cert-Url": f"{self._url}/v1/notifications/certs/CERT-simulated",
            "Paypal-Auth-Algo": "SHA256withRSA",
        }

    async def _token(self, request: Request) -> Response:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        client, _, given = base64.b64decode(credentials or "").decode().partition(":")
        if scheme.lower() != "basic" or not client or given in _REFUSED:
            return JSONResponse({"error": "invalid_client", "error_description": "Client Authentication failed"}, 401)
        return JSONResponse({"access_token": f"A21A-{client}", "token_type": "Bearer", "expires_in": 32_400})

    async def _certs(self, request: Request) -> Response:
        return Response(self._certificate, media_type="application/x-pem-file")

    def _post(self, done: Callable[[str, Request, Document], Document]) -> Callable[[Request], Any]:
        async def posted(request: Request) -> Response:
            body, account = await request.body(), _account(request)
            if account is None:
                return _unauthorized()
            fault = self._store.next_fault(account, request.url.path)
            if fault is not None and (refused := await broken_before(*fault)) is not None:
                return refused
            status, text = self._answer(account, request, body, done)
            if fault is not None and fault[0] == "error_after":
                return Response(status_code=500)
            lost = fault is not None and fault[0] == "lose_answer"
            return cut_off() if lost else Response(text, status, media_type="application/json")

        return posted

    def _answer(
        self, account: str, request: Request, body: bytes, done: Callable[[str, Request, Document], Document]
    ) -> tuple[int, str]:
        """A request id that was seen is answered as it was then."""
        key = request.headers.get("PayPal-Request-Id", "")
        with self._store.transaction():
            known = self._store.answered(account, key) if key else None
            if known is not None:
                return known[1], known[2]
            try:
                status, text = 201, json.dumps(done(account, request, json.loads(body or b"{}")))
            except PayPalSaysNo as refusal:
                status, text = refusal.status, json.dumps(refusal.body)
            if key:
                self._store.answer(account, key, "", status, text)
        return status, text

    def _webhook(self, account: str, _: Request, asked: Document) -> Document:
        if any(each["url"] == asked["url"] for each in self._store.all(account, "paypal_webhook")):
            raise PayPalSaysNo(400, "VALIDATION_ERROR", "WEBHOOK_URL_ALREADY_EXISTS", "The URL is there already.")
        return self._store.make(account, "WH", "paypal_webhook", url=asked["url"], event_types=asked["event_types"])

    async def _webhooks(self, request: Request) -> Response:
        account = _account(request)
        if account is None:
            return _unauthorized()
        return JSONResponse({"webhooks": self._store.all(account, "paypal_webhook")})

    def _vault(self, account: str, _: Request, asked: Document) -> Document:
        token = asked["payment_source"]["token"]["id"].partition("_")[0]
        if token not in TOKENS:
            raise _unprocessable("TOKEN_ID_NOT_FOUND", "There is no such setup token.")
        customer = (
            asked.get("customer", {}).get("id") or f"cust{self._store.now()}{len(self._store.all(account, 'vault'))}"
        )
        paypal = {"paypal": {"email_address": "payer@initech.example", "payer_id": "QYR5Z8XDVJNXQ"}}
        card = {"card": {"brand": "VISA", "last_digits": "4242", "expiry": "2034-12"}}
        source = card if token.startswith("card") else paypal
        return self._store.make(account, "vt", "vault", customer={"id": customer}, payment_source=source, acts=token)

    async def _forget(self, request: Request) -> Response:
        account = _account(request)
        if account is None:
            return _unauthorized()
        found = self._store.find(account, request.path_params["id"])
        if found is not None:
            with self._store.transaction():
                self._store.keep(account, {**found, "acts": "forgotten"})
        return Response(status_code=204)

    def _order(self, account: str, _: Request, asked: Document) -> Document:
        units = asked["purchase_units"]
        return self._store.make(account, "ORDER", "order", intent="CAPTURE", status="CREATED", purchase_units=units)

    def _capture(self, account: str, request: Request, asked: Document) -> Document:
        order = self._found(account, request.path_params["id"])
        if order["status"] == "COMPLETED":
            raise _unprocessable("ORDER_ALREADY_CAPTURED", "The order is captured.")
        ours = order["purchase_units"][0]["invoice_id"]
        if any(each["custom_id"] == ours for each in self._store.all(account, "capture")):
            raise _unprocessable("DUPLICATE_INVOICE_ID", "Another order with this invoice id is captured.")
        acts = ""
        if order["status"] == "CREATED":
            acts = self._method(account, asked.get("payment_source", {}))
            if acts == "paypal-asks":
                page = f"{self._url}/simulator/approve/{account.removeprefix(_ACCOUNT)}/{order['id']}"
                order |= {"status": "PAYER_ACTION_REQUIRED", "links": [{"rel": "payer-action", "href": page}]}
                self._store.keep(account, order)
        if order["status"] == "PAYER_ACTION_REQUIRED":
            raise _unprocessable("PAYER_ACTION_REQUIRED", "The payer has to act before the payment proceeds.")
        captured = self._captured(account, order)
        if acts == "paypal-disputes":
            self._disputed(account, captured)
        return captured

    def _method(self, account: str, source: Document) -> str:
        """How the vaulted payment method acts, unless it does not pay."""
        kind, given = next(iter(source.items())) if source else ("", dict[str, str]())
        method = self._store.find(account, given.get("vault_id", ""))
        if method is None or method["acts"] == "forgotten" or kind not in method["payment_source"]:
            raise _unprocessable("TOKEN_ID_NOT_FOUND", "There is no such payment method.")
        declined = self._store.next_decline(account, method["id"])
        if declined is not None or method["acts"] == "paypal-declines":
            raise _unprocessable(declined or "INSTRUMENT_DECLINED", "The instrument presented was declined.")
        acts: str = method["acts"]
        return acts

    def _disputed(self, account: str, order: Document) -> None:
        [capture] = order["purchase_units"][0]["payments"]["captures"]
        dispute = self._store.make(
            account,
            "PP-D",
            "dispute",
            disputed_transactions=[{"custom": capture["custom_id"]}],
            dispute_amount=capture["amount"],
            status="OPEN",
        )
        capture["disputes"] = [{"dispute_id": dispute["id"]}]
        self._store.keep(account, capture)
        self._store.keep(account, order)
        self._tell(account, "CUSTOMER.DISPUTE.CREATED", dispute)

    def _accept(self, account: str, request: Request, _: Document) -> Document:
        return self._resolved(account, request, "ACCEPTED")

    def _adjudicate(self, account: str, request: Request, asked: Document) -> Document:
        return self._resolved(account, request, _OUTCOMES[asked["adjudication_outcome"]])

    def _resolved(self, account: str, request: Request, outcome: str) -> Document:
        dispute = self._found(account, request.path_params["id"])
        if dispute["status"] == "RESOLVED":
            raise _unprocessable("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE", "The dispute is resolved.")
        given = "0.00" if outcome.endswith("SELLER_FAVOUR") else dispute["dispute_amount"]["value"]
        back = {**dispute["dispute_amount"], "value": given}
        dispute |= {"status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome, "amount_refunded": back}}
        self._store.keep(account, dispute)
        self._tell(account, "CUSTOMER.DISPUTE.RESOLVED", dispute)
        return dispute

    def _captured(self, account: str, order: Document) -> Document:
        unit = order["purchase_units"][0]
        capture = self._store.make(
            account,
            "CAP",
            "capture",
            status="COMPLETED",
            amount=unit["amount"],
            custom_id=unit["custom_id"],
            order_id=order["id"],
            supplementary_data={"related_ids": {"order_id": order["id"]}},
        )
        unit["payments"] = {"captures": [capture], "refunds": []}
        order |= {"status": "COMPLETED", "links": []}
        self._store.keep(account, order)
        self._tell(account, "PAYMENT.CAPTURE.COMPLETED", capture)
        return order

    def _refund(self, account: str, request: Request, asked: Document) -> Document:
        capture = self._found(account, request.path_params["id"])
        order = self._found(account, capture["order_id"])
        payments = order["purchase_units"][0]["payments"]
        given = sum(_minor(each["amount"]) for each in payments["refunds"])
        amount = asked.get("amount") or capture["amount"]
        left = _minor(capture["amount"]) - given
        if _minor(amount) > left:
            raise _unprocessable("REFUND_AMOUNT_EXCEEDED", "More than is left.")
        names = {name: asked.get(name) or order["purchase_units"][0][name] for name in ("custom_id", "invoice_id")}
        made = self._store.make(account, "REF", "refund", status="COMPLETED", amount=amount, **names)
        capture["status"] = "REFUNDED" if _minor(amount) == left else "PARTIALLY_REFUNDED"
        payments["refunds"].append(made)
        payments["captures"] = [capture]
        self._store.keep(account, capture)
        self._store.keep(account, order)
        self._tell(account, "PAYMENT.CAPTURE.REFUNDED", made)
        return made

    async def _get(self, request: Request) -> Response:
        account = _account(request)
        if account is None:
            return _unauthorized()
        fault = self._store.next_fault(account, request.url.path)
        if fault is not None and (refused := await broken_before(*fault)) is not None:
            return refused
        try:
            return JSONResponse(self._found(account, request.path_params["id"]))
        except PayPalSaysNo as refusal:
            return JSONResponse(refusal.body, refusal.status)

    async def _page(self, request: Request) -> Response:
        order = self._store.find(_ACCOUNT + request.path_params["account"], request.path_params["id"])
        if order is None or order["status"] != "PAYER_ACTION_REQUIRED":
            return HTMLResponse("<h1>There is nothing to approve</h1>", 404)
        amount = order["purchase_units"][0]["amount"]
        return HTMLResponse(
            "<!doctype html><title>Simulated PayPal</title><h1>Pay with PayPal?</h1>"
            f"<p>{escape(amount['value'])} {escape(amount['currency_code'])}</p>"
            '<form method="post"><button>Yes, pay</button></form>'
        )

    async def _approve(self, request: Request) -> Response:
        account = _ACCOUNT + request.path_params["account"]
        with self._store.transaction():
            order = self._found(account, request.path_params["id"])
            order["status"] = "APPROVED"
            self._store.keep(account, order)
            self._tell(account, "CHECKOUT.ORDER.APPROVED", order)
        return JSONResponse({"status": "APPROVED"})

    async def _captures(self, request: Request) -> Response:
        """Every capture of an account, oldest first, with what was refunded, in minor units."""
        account, told = _ACCOUNT + request.path_params["account"], []
        for order in reversed(self._store.all(account, "order")):
            payments = order["purchase_units"][0].get("payments")
            if payments:
                [capture] = payments["captures"]
                back = sum(_minor(each["amount"]) for each in payments["refunds"])
                told.append(
                    {"custom_id": capture["custom_id"], "captured": _minor(capture["amount"]), "refunded": back}
                )
        return JSONResponse(told)

    def _found(self, account: str, id_: str) -> Document:
        found = self._store.find(account, id_)
        if found is None:
            raise PayPalSaysNo(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "There is no such thing.")
        return found

    def _tell(self, account: str, type_: str, about: Document) -> None:
        event = self._store.make(account, "WH-EVT", "paypal_event", event_type=type_, resource=about)
        for hook in self._store.all(account, "paypal_webhook"):
            if any(each["name"] == type_ for each in hook["event_types"]):
                self._store.post(account, hook["id"], event, self._store.clock())


def _account(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    client = token.removeprefix("A21A-")
    return _ACCOUNT + client if scheme.lower() == "bearer" and client != token else None


def _unprocessable(issue: str, description: str) -> PayPalSaysNo:
    return PayPalSaysNo(422, "UNPROCESSABLE_ENTITY", issue, description)


def _unauthorized() -> Response:
    return JSONResponse({"name": "AUTHENTICATION_FAILURE", "message": "Authentication failed."}, 401)


def _minor(amount: Document) -> int:
    return Money.parse(amount["value"], amount["currency_code"]).minor


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name, now = x509.Name.from_rfc4514_string("CN=Simulated PayPal"), utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
