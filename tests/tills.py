"""Money on a platform that is shot at: what is sold, given back and used meanwhile; does it all add up after?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any

import asyncpg
import httpx
from conftest import until
from platforms import Platform

_numbers = count(1)
STEPS = {
    "written": "SELECT count(*) FROM billing_payment",
    "sent": "SELECT count(*) FROM billing_payment WHERE sent_at IS NOT NULL",
    "settled": "SELECT count(*) FROM billing_payment WHERE status = 'succeeded'",
}
# A refund is sent by its own process, and booked when the payment's has heard of it.
_REFUNDED = "SELECT count(*) FROM billing_payment WHERE refunded_minor > 0"
METER = {"code": "calls", "name": "Calls", "eventType": "api.called", "aggregation": "sum", "property": "calls"}
USAGE = {"kind": "usage", "code": "calls", "name": "Calls", "meter": "calls"}
PER_CALL = {"EUR": {"model": "per_unit", "unitPrice": "0.01"}}


class Till:
    """A tenant with an account at the simulated provider, and one customer who pays by it and uses what is metered."""

    def __init__(self, platform: Platform, tenant: str, provider: str) -> None:
        self.platform, self.tenant, self.provider = platform, tenant, provider
        self.customer = self.subscription = ""
        self.account = f"sk_test_{tenant}" if provider == "stripe" else f"paypal:app-{tenant}"
        self.sold: dict[str, int] = {}
        self.given_back: dict[str, int] = {}
        self.calls = 0

    @property
    def simulator(self) -> httpx.AsyncClient:
        """The provider, as an auditor sees it."""
        port = self.platform.up.settings.payment_simulator_port
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)

    async def post(self, path: str, body: Any, method: str = "POST") -> Any:
        """As stubbornly as a client with an Idempotency-Key may."""
        headers = {"Idempotency-Key": f"till-{next(_numbers)}"}

        async def accepted() -> Any:
            answer = await self.platform.ask(method, path, json=body, params={"tenantId": self.tenant}, headers=headers)
            if answer is None or answer.status_code >= 500:
                return None
            assert answer.is_success, answer.text
            return answer.json()["data"]

        return await until(accepted, seconds=90, what=f"{path} to be accepted")

    async def open(self) -> None:
        """Have an account, a customer who pays, and something that is metered."""
        keys = {"secretKey": self.account} if self.provider == "stripe" else _paypal_keys(self.account)
        await self.post(f"/v1/billing/payment-accounts/{self.provider}", keys, "PUT")
        entity = {"code": "de", "name": "Initrode", "country": "DE", "numberPrefix": "DE"}
        taxes = [{"country": "DE", "name": "USt.", "percent": "19"}]
        await self.post("/v1/billing/legal-entities", {**entity, "taxes": taxes})
        await self.post("/v1/billing/meters", {**METER, "unit": "call"})
        terms = {"name": "Metered", "interval": "year", "charges": [{**USAGE, "prices": PER_CALL}]}
        await self.post("/v1/billing/plans", {"code": "metered", "terms": terms})
        buyer = {"name": "Payer", "email": "pay@initech.example", "currency": "EUR", "country": "DE"}
        self.customer = (await self.post("/v1/billing/customers", buyer))["id"]
        token = "pm_card_visa" if self.provider == "stripe" else "paypal-pays_till"
        method = {"customerId": self.customer, "provider": self.provider, "token": token}
        await self.post("/v1/billing/payment-methods", method)
        wish = {"customerId": self.customer, "planCode": "metered", "quantity": 1}
        self.subscription = (await self.post("/v1/billing/subscriptions", wish))["id"]

    async def sell(self, number: int) -> None:
        """So many invoices of different amounts, all at once; each is collected as soon as it is there."""

        async def one() -> None:
            amount = f"{10 + next(_numbers)}.{next(_numbers) % 100:02}"
            lines = [{"name": "A thing", "unitPrice": amount}]
            wish = {"customerId": self.customer, "lines": lines, "finalize": True}
            made = await self.post("/v1/billing/invoices", wish)
            self.sold[made["id"]] = made["content"]["total"]["minor"]

        await asyncio.gather(*(one() for _ in range(number)))

    async def give_back(self, number: int) -> None:
        """So many of the invoices that are paid already, whole, all at once."""

        async def one(invoice: str) -> None:
            wish = {"invoiceId": invoice, "reason": "order_change", "settlement": "refund"}
            made = await self.post("/v1/billing/credit-notes", wish)
            self.given_back[invoice] = made["refunded"]["minor"]

        paid = [each for each in self.sold if each not in self.given_back]
        await asyncio.gather(*(one(each) for each in paid[:number]))

    async def use(self, batches: int, events: int) -> None:
        """So many batches of usage, all at once."""

        async def one() -> None:
            calls = [next(_numbers) % 7 for _ in range(events)]
            batch = [
                {
                    "specversion": "1.0",
                    "id": f"call-{next(_numbers)}",
                    "source": "/till",
                    "type": "api.called",
                    "subject": self.customer,
                    "data": {"calls": each},
                }
                for each in calls
            ]
            await self.post("/v1/billing/usage-events", batch)
            self.calls += sum(calls)

        await asyncio.gather(*(one() for _ in range(batches)))

    async def slowly(self, seconds: float, requests: int) -> None:
        """Have the provider take its time with the next so many charges."""
        path = "/v1/payment_intents" if self.provider == "stripe" else "/paypal/v2/checkout/orders/%/capture"
        fault = {"account": self.account, "kind": "slow", "seconds": seconds, "times": requests, "path": path}
        async with self.simulator as simulator:
            (await simulator.post("/simulator/faults", json=fault)).raise_for_status()

    async def standing(self, step: str) -> int:
        """How many payments have come so far."""
        found: int = (await self._rows(STEPS[step]))[0]["count"]
        return found

    async def settled(self) -> None:
        """Wait until nothing is under way any more."""

        async def done() -> bool:
            if await self.standing("settled") < len(self.sold):
                return False
            return bool((await self._rows(_REFUNDED))[0]["count"] >= len(self.given_back))

        await until(done, seconds=120, what=f"{len(self.sold)} payments and {len(self.given_back)} refunds")

    async def audit(self) -> None:
        """To the cent: each invoice charged, paid, booked and told once, given back once, and usage counted once."""
        of = {each["id"]: each["invoice_id"] for each in await self._rows("SELECT id, invoice_id FROM billing_payment")}
        charges = [(of[payment], captured, refunded) for payment, captured, refunded in await self._charges()]
        assert dict.fromkeys(self.sold, 1) == Counter(invoice for invoice, _, _ in charges)
        assert self.sold == {invoice: captured for invoice, captured, _ in charges}
        assert self.given_back == {invoice: refunded for invoice, _, refunded in charges if refunded}
        paid = await self._rows("SELECT id FROM billing_invoice WHERE status = 'paid'")
        assert set(self.sold) == {each["id"] for each in paid}
        assert self._kept() == await self._booked(self.provider)
        assert {} == await self._booked("receivable") == await self._booked("refunds")
        told = await self._rows(
            "SELECT subject, count(*) AS times FROM platform.events "
            "WHERE tenant_id = $1 AND type = 'billing.payment.succeeded' GROUP BY 1",
            self.tenant,
        )
        assert dict.fromkeys(of, 1) == {each["subject"]: each["times"] for each in told}
        usage = await self.platform.ask(
            "GET", f"/v1/billing/subscriptions/{self.subscription}/usage", params={"tenantId": self.tenant}
        )
        assert usage is not None
        assert [self.calls] == [int(each["line"]["quantity"]) for each in usage.json()["data"]]

    def _kept(self) -> Mapping[str, int]:
        kept = {invoice: minor - self.given_back.get(invoice, 0) for invoice, minor in self.sold.items()}
        return {invoice: minor for invoice, minor in kept.items() if minor}

    async def _charges(self) -> list[tuple[str, int, int]]:
        """What the provider has collected: our payment, how much, and how much of it went back."""
        async with self.simulator as simulator:
            if self.provider == "stripe":
                found = (await simulator.get(f"/simulator/charges/{self.account}")).json()
                return [
                    (each["metadata"]["harborgrid_payment"], each["amount_captured"], each["amount_refunded"])
                    for each in found
                ]
            client = self.account.removeprefix("paypal:")
            found = (await simulator.get(f"/paypal/simulator/captures/{client}")).json()
            return [(each["custom_id"], each["captured"], each["refunded"]) for each in found]

    async def _booked(self, account: str) -> dict[str, int]:
        rows = await self._rows(
            "SELECT invoice_id, sum(amount_minor)::bigint AS minor FROM billing_posting JOIN billing_journal_entry "
            "ON entry_id = id WHERE account = $1 GROUP BY 1 HAVING sum(amount_minor) <> 0",
            account,
        )
        return {each["invoice_id"]: each["minor"] for each in rows}

    async def _rows(self, sql: str, *values: object) -> list[asyncpg.Record]:
        connection = await self.platform.connect()
        try:
            await connection.execute(f'SET search_path TO "{self.tenant}"')
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()


def _paypal_keys(account: str) -> dict[str, str]:
    return {"clientId": account.removeprefix("paypal:"), "clientSecret": "right"}


async def till(platform: Platform, provider: str) -> Till:
    """A new one, of a tenant of its own."""
    request = await platform.request()
    assert "completed" == await platform.ended(request)
    made = Till(platform, request.tenant, provider)
    await made.open()
    return made
