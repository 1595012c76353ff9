"""Webhooks of the simulated providers: signed, tried again, and late, twice or out of order if told so."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import httpx
import structlog

from adapters.billing.simulator.paypal_app import PayPal
from adapters.billing.simulator.store import Document, Store

log = structlog.get_logger(__name__)
_PAUSE = 0.05
_WAITS = (0.5, 2.0, 10.0, 60.0, 300.0, 3_600.0)


class Webhooks:
    """Delivers what is due. twice: sends each two times. backwards: the newest first. late: so many seconds later."""

    def __init__(self, store: Store, paypal: PayPal) -> None:
        self._store, self._paypal = store, paypal
        self.twice = self.backwards = False
        self.late = 0.0

    async def run(self) -> None:
        """For ever."""
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                await self.deliver(client)
                await asyncio.sleep(_PAUSE)

    async def deliver(self, client: httpx.AsyncClient) -> None:
        """What is due now."""
        due = self._store.due()
        for number, account, endpoint_id, event, attempts in reversed(due) if self.backwards else due:
            if attempts == 0 and self.late:
                self._store.later(number, self._store.clock() + self.late)
                continue
            endpoint = self._store.find(account, endpoint_id)
            if endpoint is None:
                self._store.delivered(number)
                continue
            arrived = await self._sent(client, endpoint, event)
            if arrived and self.twice:
                arrived = await self._sent(client, endpoint, event)
            if arrived or attempts >= len(_WAITS):
                self._store.delivered(number)
            else:
                self._store.later(number, self._store.clock() + _WAITS[attempts])

    def _signed(self, endpoint: Document, event: str) -> dict[str, str]:
        if endpoint["object"] == "paypal_webhook":
            return self._paypal.signed(endpoint["id"], json.loads(event)["id"], event.encode())
        at = int(self._store.clock())
        signature = hmac.new(endpoint["secret"].encode(), f"{at}.{event}".encode(), hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={at},v1={signature}"}

    async def _sent(self, client: httpx.AsyncClient, endpoint: Document, event: str) -> bool:
        url = endpoint["url"]
        headers = {**self._signed(endpoint, event), "Content-Type": "application/json; charset=utf-8"}
        try:
            answer = await client.post(url, content=event, headers=headers)
        except httpx.HTTPError as error:
            log.warning("webhook.not_delivered", url=url, reason=repr(error))
            return False
        if not answer.is_success:
            log.warning("webhook.refused", url=url, status=answer.status_code, event=json.loads(event)["id"])
        return answer.is_success
