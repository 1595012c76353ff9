"""Stripe's HTTP interface: secret keys, form fields, idempotency keys, errors; and what goes wrong when it is told to.

Any secret key that begins with `sk_test_` is an account of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.billing.simulator.faults import broken_before, cut_off
from adapters.billing.simulator.store import Document, Store
from adapters.billing.simulator.stripe_objects import StripeAccount, StripeRefusal

_MOST = 100
_NESTED = re.compile(r"\[([^\]]*)\]")
Operation = Callable[[StripeAccount, Document, dict[str, str]], Document]

_POSTS: dict[str, Operation] = {
    "/v1/customers": lambda at, fields, _: at.customer(fields),
    "/v1/payment_methods/{id}/attach": lambda at, fields, path: at.attach(path["id"], fields),
    "/v1/payment_methods/{id}/detach": lambda at, _, path: at.detach(path["id"]),
    "/v1/payment_intents": lambda at, fields, _: at.intent(fields),
    "/v1/payment_intents/{id}/confirm": lambda at, fields, path: at.confirm(path["id"], fields),
    "/v1/payment_intents/{id}/cancel": lambda at, fields, path: at.cancel(path["id"], fields),
    "/v1/disputes/{id}": lambda at, fields, path: at.answer_dispute(path["id"], fields),
    "/v1/disputes/{id}/close": lambda at, _, path: at.accept_dispute(path["id"]),
    "/v1/refunds": lambda at, fields, _: at.refund(fields),
    "/v1/webhook_endpoints": lambda at, fields, _: at.endpoint(fields),
}
_KINDS = {
    "customers": "customer",
    "payment_methods": "payment_method",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "webhook_endpoints": "webhook_endpoint",
    "events": "event",
}


class Stripe:
    """The routes of Stripe's API on one store."""

    def __init__(self, store: Store, url: str) -> None:
        self._store, self._url = store, url
        self.routes = [
            *(Route(path, self._post(path, operation), methods=["POST"]) for path, operation in _POSTS.items()),
            Route("/v1/{kind}", self._list, methods=["GET"]),
            Route("/v1/{kind}/{id}", self._get, methods=["GET"]),
        ]

    def _post(self, path: str, operation: Operation) -> Callable[[Request], Any]:
        async def posted(request: Request) -> Response:
            body = await request.body()
            account = _account(request)
            if account is None:
                return _unauthorized()
            fault = self._store.next_fault(account, request.url.path)
            if fault is not None and (refused := await broken_before(*fault)) is not None:
                return refused
            status, text = self._answer(request, account, body, lambda at: operation(at, nested(body), _path(request)))
            lost = fault is not None and fault[0] == "lose_answer"
            if fault is not None and fault[0] == "error_after":
                return _broken()
            return cut_off() if lost else Response(text, status, media_type="application/json")

        return posted

    def _answer(
        self, request: Request, account: str, body: bytes, operation: Callable[[StripeAccount], Document]
    ) -> tuple[int, str]:
        """Done once for each idempotency key; the same key for something else is refused."""
        key = request.headers.get("Idempotency-Key", "")
        fingerprint = hashlib.sha256(request.url.path.encode() + b"\n" + body).hexdigest()
        with self._store.transaction():
            known = self._store.answered(account, key) if key else None
            if known is not None:
                if known[0] != fingerprint:
                    return _error(
                        StripeRefusal(
                            400,
                            "idempotency_error",
                            "Keys for idempotent requests can only be used with the same parameters they were first "
                            f"used with. Try using a key other than '{key}' if you meant to execute a different "
                            "request.",
                        )
                    )
                return known[1], known[2]
            try:
                status, text = 200, json.dumps(operation(StripeAccount(self._store, account, self._url)))
            except StripeRefusal as refusal:
                status, text = _error(refusal)
            # What was refused before anything was done may be mended and sent again with its key.
            if key and status in (200, 402):
                self._store.answer(account, key, fingerprint, status, text)
        return status, text

    async def _get(self, request: Request) -> Response:
        account = _account(request)
        if account is None:
            return _unauthorized()
        fault = self._store.next_fault(account, f"GET {request.url.path}")
        if fault is not None and (refused := await broken_before(*fault)) is not None:
            return refused
        try:
            at = StripeAccount(self._store, account, self._url)
            found = at.get(request.path_params["id"], _kind(request))
            if "latest_charge" in request.query_params.getlist("expand[0]") and found.get("latest_charge"):
                found["latest_charge"] = at.get(found["latest_charge"], "charge")
        except StripeRefusal as refusal:
            status, text = _error(refusal)
            return Response(text, status, media_type="application/json")
        found.pop("secret", None)
        return JSONResponse(found)

    async def _list(self, request: Request) -> Response:
        account = _account(request)
        if account is None:
            return _unauthorized()
        fault = self._store.next_fault(account, f"GET {request.url.path}")
        if fault is not None and (refused := await broken_before(*fault)) is not None:
            return refused
        asked = request.query_params
        try:
            found = self._store.all(account, _kind(request))
        except StripeRefusal as refusal:
            status, text = _error(refusal)
            return Response(text, status, media_type="application/json")
        for name in ("customer", "payment_intent"):
            if name in asked:
                found = [each for each in found if each.get(name) == asked[name]]
        if "created[gte]" in asked:
            found = [each for each in found if each["created"] >= int(asked["created[gte]"])]
        if "starting_after" in asked:
            ids = [each["id"] for each in found]
            found = found[ids.index(asked["starting_after"]) + 1 :] if asked["starting_after"] in ids else []
        limit = min(int(asked.get("limit", 10)), _MOST)
        page = [{name: value for name, value in each.items() if name != "secret"} for each in found[:limit]]
        return JSONResponse({"object": "list", "url": request.url.path, "has_more": len(found) > limit, "data": page})


def nested(body: bytes) -> Document:
    """Form fields, where `metadata[order]` is a field of `metadata` and `events[0]` an item of a list."""
    fields: Document = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        head, *rest = [name.partition("[")[0], *_NESTED.findall(name)]
        if not rest:
            fields[head] = value
        elif rest[0].isdigit() or not rest[0]:
            fields.setdefault(head, []).append(value)
        else:
            fields.setdefault(head, {})[rest[0]] = value
    return fields


def _account(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        credentials = base64.b64decode(credentials).decode().partition(":")[0]
    return credentials if credentials.startswith("sk_test_") else None


def _kind(request: Request) -> str:
    kind = _KINDS.get(request.path_params["kind"])
    if kind is None:
        message = f"Unrecognized request URL ({request.method}: {request.url.path})."
        raise StripeRefusal(404, "invalid_request_error", message)
    return kind


def _path(request: Request) -> dict[str, str]:
    return dict(request.path_params)


def _error(refusal: StripeRefusal) -> tuple[int, str]:
    return refusal.status, json.dumps({"error": refusal.error})


def _unauthorized() -> Response:
    message = "Invalid API Key provided: use one that begins with sk_test_."
    return Response(_error(StripeRefusal(401, "invalid_request_error", message))[1], 401, media_type="application/json")


def _broken(status: int = 500) -> Response:
    refusal = StripeRefusal(status, "api_error", "An unknown error occurred.")
    return Response(_error(refusal)[1], status, media_type="application/json")
