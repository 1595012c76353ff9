"""The simulated providers as one server, and what makes them misbehave."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adapters.billing.simulator.faults import FAULTS
from adapters.billing.simulator.paypal_app import PayPal
from adapters.billing.simulator.store import Store
from adapters.billing.simulator.stripe_app import Stripe, nested
from adapters.billing.simulator.stripe_objects import StripeAccount, StripeRefusal
from adapters.billing.simulator.webhooks import Webhooks
from adapters.kernel.clock import utc_now


class Simulator:
    """Stripe's routes, PayPal's below `/paypal`, and under `/simulator` those that plan faults and count money."""

    def __init__(self, store: Store, url: str) -> None:
        self.store, self.url = store, url
        self.paypal = PayPal(store, url)
        self.webhooks = Webhooks(store, self.paypal)

    def app(self) -> Starlette:
        """The ASGI application. Webhooks are delivered while it runs."""
        return Starlette(
            routes=[
                *self.paypal.routes,
                *Stripe(self.store, self.url).routes,
                Route("/simulator/faults", self._plan_fault, methods=["POST"]),
                Route("/simulator/declines", self._plan_declines, methods=["POST"]),
                Route("/simulator/webhooks", self._set_webhooks, methods=["POST"]),
                Route("/simulator/charges/{account}", self._charges, methods=["GET"]),
                Route("/simulator/3ds/{account}/{intent}", self._page, methods=["GET"]),
                Route("/simulator/3ds/{account}/{intent}", self._authenticate, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        delivering = asyncio.create_task(self.webhooks.run())
        try:
            yield
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _plan_fault(self, request: Request) -> Response:
        asked = await request.json()
        if asked["kind"] not in FAULTS:
            return JSONResponse({"error": f"kind is one of {', '.join(FAULTS)}"}, 422)
        path = asked.get("path", "/v1/payment_intents")
        with self.store.transaction():
            self.store.plan_fault(
                asked["account"], path, asked["kind"], asked.get("times", 1), asked.get("seconds", 30.0)
            )
        return Response(status_code=204)

    async def _plan_declines(self, request: Request) -> Response:
        asked = await request.json()
        with self.store.transaction():
            self.store.plan_declines(asked["account"], asked["paymentMethod"], asked["code"], asked.get("times", 1))
        return Response(status_code=204)

    async def _set_webhooks(self, request: Request) -> Response:
        asked = await request.json()
        self.webhooks.twice, self.webhooks.backwards = bool(asked.get("twice")), bool(asked.get("backwards"))
        self.webhooks.late = float(asked.get("late", 0))
        return Response(status_code=204)

    async def _charges(self, request: Request) -> Response:
        """Every charge of an account, oldest first: what an audit compares payments with."""
        account, withdrawn = request.path_params["account"], Counter[str]()
        for dispute in self.store.all(account, "dispute"):
            withdrawn[dispute["charge"]] -= sum(moved["amount"] for moved in dispute["balance_transactions"])
        fields = ("id", "amount_captured", "amount_refunded", "currency", "payment_intent", "metadata", "disputed")
        return JSONResponse(
            [
                {**{name: charge[name] for name in fields}, "amount_withdrawn": withdrawn[charge["id"]]}
                for charge in reversed(self.store.all(account, "charge"))
            ]
        )

    async def _page(self, request: Request) -> Response:
        intent = self.store.find(request.path_params["account"], request.path_params["intent"])
        if intent is None or intent["status"] != "requires_action":
            return HTMLResponse("<h1>There is nothing to confirm</h1>", 404)
        amount = f"{intent['amount']} {intent['currency'].upper()}"
        return HTMLResponse(
            "<!doctype html><title>Simulated bank</title><h1>Your bank asks: is it you?</h1>"
            f"<p>A payment of {escape(amount)} (minor units), {escape(intent['description'] or '')}</p>"
            '<form method="post"><button name="outcome" value="succeeds">Yes, pay</button> '
            '<button name="outcome" value="fails">No</button></form>'
        )

    async def _authenticate(self, request: Request) -> Response:
        form = nested(await request.body())
        account = StripeAccount(self.store, request.path_params["account"], self.url)
        with self.store.transaction():
            try:
                intent = account.authenticate(
                    request.path_params["intent"], succeeds=form.get("outcome", "succeeds") == "succeeds"
                )
            except StripeRefusal as refusal:
                return JSONResponse({"error": refusal.error}, refusal.status)
        return JSONResponse({"status": intent["status"]})


async def serve_simulator(path: Path, *, host: str, port: int) -> None:
    """Serve until told to stop."""
    store = Store(path, lambda: utc_now().timestamp())
    config: Any = uvicorn.Config(
        Simulator(store, f"http://{host}:{port}").app(), host=host, port=port, log_config=None, access_log=False
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        store.close()
