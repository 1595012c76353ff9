"""Money on a platform that is shot at: invoices that are collected meanwhile, and whether it all adds up after."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count
from typing import Any

import httpx
from conftest import until
from platforms import Platform

_numbers = count(1)
STEPS = {
    "written": "SELECT count(*) FROM billing_payment",
    "sent": "SELECT count(*) FROM billing_payment WHERE sent_at IS NOT NULL",
    "settled": "SELECT count(*) FROM billing_payment WHERE status = 'succeeded'",
}


class Till:
    """A tenant with an account at the simulated Stripe, and one customer who pays by card."""

    def __init__(self, platform: Platform, tenant: str, customer: str) -> None:
        self.platform, self.tenant, self.customer = platform, tenant, customer
        self.account = f"sk_test_{tenant}"
        self.sold: dict[str, int] = {}

    @property
    def simulator(self) -> httpx.AsyncClient:
        """The provider, as an auditor sees it."""
        port = self.platform.up.settings.payment_simulator_port
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)

    async def post(self, path: str, body: Any, method: str = "POST") -> Any:
        """As stubbornly as a client with an Idempotency-Key may."""
        headers = {"Idempotency-Key": f"till-{next(_numbers)}-{self.tenant}"}

        async def accepted() -> Any:
            answer = await self.platform.ask(method, path, json=body, params={"tenantId": self.tenant}, headers=headers)
            if answer is None or answer.status_code >= 500 or answer.status_code == 409:
                return None
            assert answer.is_success, answer.text
            return answer.json()["data"]

        return await until(accepted, seconds=90, what=f"{path} to be accepted")

    async def sell(self, number: int) -> None:
        """So many invoices of different amounts, all at once; each is collected as soon as it is there."""

        async def one() -> None:
            amount = f"{10 + next(_numbers)}.{next(_numbers) % 100:02}"
            lines = [{"name": "A thing", "unitPrice": amount}]
            wish = {"customerId": self.customer, "lines": lines, "finalize": True}
            made = await self.post("/v1/billing/invoices", wish)
            self.sold[made["id"]] = made["content"]["total"]["minor"]

        await asyncio.gather(*(one() for _ in range(number)))

    async def slowly(self, seconds: float, requests: int) -> None:
        """Have the provider take its time with the next so many charges."""
        fault = {"account": self.account, "kind": "slow", "seconds": seconds, "times": requests}
        async with self.simulator as simulator:
            (await simulator.post("/simulator/faults", json=fault)).raise_for_status()

    async def standing(self, step: str) -> int:
        """How many payments have come so far."""
        connection = await self.platform.connect()
        try:
            await connection.execute(f'SET search_path TO "{self.tenant}"')
            found: int = await connection.fetchval(STEPS[step])
        finally:
            await connection.close()
        return found

    async def all_paid(self) -> None:
        """Wait until nothing is under way any more."""

        async def paid() -> bool:
            return await self.standing("settled") >= len(self.sold)

        await until(paid, seconds=120, what=f"{len(self.sold)} payments")

    async def audit(self) -> None:
        """To the cent: each invoice charged once, paid once, booked once, told once."""
        async with self.simulator as simulator:
            charges = (await simulator.get(f"/simulator/charges/{self.account}")).json()
        connection = await self.platform.connect()
        try:
            await connection.execute(f'SET search_path TO "{self.tenant}"')
            payments = await connection.fetch("SELECT id, invoice_id, status FROM billing_payment")
            paid = await connection.fetch("SELECT id FROM billing_invoice WHERE status = 'paid'")
            booked = await connection.fetch(
                "SELECT invoice_id, sum(amount_minor) AS minor FROM billing_posting JOIN billing_journal_entry "
                "ON entry_id = id WHERE account = 'stripe' GROUP BY 1"
            )
            told = await connection.fetch(
                "SELECT subject, count(*) AS times FROM platform.events "
                "WHERE tenant_id = $1 AND type = 'billing.payment.succeeded' GROUP BY 1",
                self.tenant,
            )
        finally:
            await connection.close()
        of = {each["id"]: each["invoice_id"] for each in payments}
        charged = Counter(of[each["metadata"]["harborgrid_payment"]] for each in charges)
        assert dict.fromkeys(self.sold, 1) == charged
        assert self.sold == {of[each["metadata"]["harborgrid_payment"]]: each["amount_captured"] for each in charges}
        assert set(self.sold) == {each["id"] for each in paid}
        assert self.sold == {each["invoice_id"]: int(each["minor"]) for each in booked}
        assert dict.fromkeys(of, 1) == {each["subject"]: each["times"] for each in told}


async def till(platform: Platform) -> Till:
    """A new one."""
    request = await platform.request()
    assert "completed" == await platform.ended(request)
    made = Till(platform, request.tenant, "")
    await made.post("/v1/billing/payment-accounts/stripe", {"secretKey": made.account}, "PUT")
    entity = {"code": "de", "name": "Initrode", "country": "DE", "numberPrefix": "DE"}
    taxes = [{"country": "DE", "name": "USt.", "percent": "19"}]
    await made.post("/v1/billing/legal-entities", {**entity, "taxes": taxes})
    buyer = {"name": "Payer", "email": "pay@initech.example", "currency": "EUR", "country": "DE"}
    made.customer = (await made.post("/v1/billing/customers", buyer))["id"]
    await made.post("/v1/billing/payment-methods", {"customerId": made.customer, "token": "pm_card_visa"})
    return made
