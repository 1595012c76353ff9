"""Tenants that collect by the simulated Stripe, and customers that pay."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from conftest import Stack, Tenant, until

PLAN = {
    "kind": "recurring",
    "code": "licence",
    "name": "Licence",
    "prices": {"EUR": {"model": "flat", "amount": "100.00"}},
}
ASKS = ("/preview-change", "/entitlement-checks", "/usage-events")
"""What changes nothing, or has a key of its own in each event."""
_numbers = count(1)


def _known(answer: httpx.Response) -> Any:
    """What a repeated answer has as well: not the secret."""
    data = answer.json()["data"]
    return {name: value for name, value in data.items() if name != "secret"} if isinstance(data, dict) else data


@dataclass(frozen=True, slots=True)
class Merchant:
    """A tenant with an account at the simulated Stripe, and a plan of 119.00 EUR a month with tax."""

    tenant: Tenant
    stack: Stack
    account: str

    async def post(self, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Twice, as a client does that has lost the answer: the second time it is the same, and nothing happens."""
        headers = {**self.tenant.headers, "Idempotency-Key": f"merchant-{next(_numbers)}"}
        answer = await self.tenant.http.post(path, json=body or {}, headers=headers)
        assert answer.status_code == status if status else answer.is_success, answer.text
        if answer.is_success and path.startswith("/v1/billing/") and not path.endswith(ASKS):
            again = await self.tenant.http.post(path, json=body or {}, headers=headers)
            assert again.headers.get("Idempotent-Replayed") == "true", path
            assert (again.status_code, _known(again)) == (answer.status_code, _known(answer))
        return answer.json().get("data") or answer.json()["error"]

    async def customer(self, card: str | None = "pm_card_visa", **more: Any) -> dict[str, Any]:
        """Somebody who pays by this card."""
        body = {"name": f"Payer {next(_numbers)}", "email": "pay@initech.example", "currency": "EUR", "country": "DE"}
        customer: dict[str, Any] = await self.post("/v1/billing/customers", {**body, **more})
        if card is not None:
            customer["method"] = await self.add_card(customer, card)
        return customer

    async def add_card(self, customer: dict[str, Any], card: str, **more: Any) -> dict[str, Any]:
        body = {"customerId": customer["id"], "token": card, **more}
        added: dict[str, Any] = await self.post("/v1/billing/payment-methods", body)
        return added

    async def draft(self, customer: dict[str, Any]) -> dict[str, Any]:
        """The draft of a new subscription."""
        bought = await self.post(
            "/v1/billing/subscriptions", {"customerId": customer["id"], "planCode": "monthly", "quantity": 1}
        )
        page = await self.tenant.get("/v1/billing/invoices", subscriptionId=bought["id"])
        draft: dict[str, Any] = page["items"][0]
        return draft

    async def final(self, customer: dict[str, Any]) -> dict[str, Any]:
        """The same, final."""
        draft = await self.draft(customer)
        invoice: dict[str, Any] = await self.post(f"/v1/billing/invoices/{draft['id']}/finalize")
        return invoice

    async def payments(self, invoice: dict[str, Any]) -> list[dict[str, Any]]:
        """Oldest first."""
        page = await self.tenant.get("/v1/billing/payments", invoiceId=invoice["id"])
        return list(reversed(page["items"]))

    async def payment(self, invoice: dict[str, Any], status: str, *, attempt: int = 1) -> dict[str, Any]:
        """The payment once it stands so."""

        async def stands() -> dict[str, Any] | None:
            found = [each for each in await self.payments(invoice) if each["attempt"] == attempt]
            return found[0] if found and found[0]["status"] == status else None

        found: dict[str, Any] = await until(stands, what=f"attempt {attempt} to be {status}")
        return found

    async def payment_with(self, invoice: dict[str, Any], **facts: Any) -> dict[str, Any]:
        """The only payment, once it has these fields; of money, the minor units."""

        async def has() -> dict[str, Any] | None:
            [found] = await self.payments(invoice)
            known = {name: found[name]["minor"] if "minor" in str(found[name]) else found[name] for name in facts}
            return found if known == facts else None

        found: dict[str, Any] = await until(has, what=f"a payment with {facts}")
        return found

    async def events_of(self, payment: dict[str, Any]) -> list[dict[str, Any]]:
        """What was told of the payment, oldest first."""
        items = (await self.tenant.get("/v1/bus/events", subject=payment["id"], limit=200))["items"]
        return sorted(items, key=lambda each: str(each["id"]))

    async def refund(self, refund_id: str, status: str, *, attempt: int = 1) -> dict[str, Any]:
        """The refund once it stands so."""

        async def stands() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.tenant.get(f"/v1/billing/refunds/{refund_id}")
            return found if (found["status"], found["attempt"]) == (status, attempt) else None

        found: dict[str, Any] = await until(stands, what=f"the refund to be {status}")
        return found

    async def invoice(self, invoice: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self.tenant.get(f"/v1/billing/invoices/{invoice['id']}")
        return found

    async def booked(self, invoice: dict[str, Any]) -> dict[str, int]:
        """What its entries come to on each account, in minor units."""
        page = await self.tenant.get("/v1/billing/ledger/entries", invoiceId=invoice["id"], limit=200)
        sums: dict[str, int] = {}
        for entry in page["items"]:
            for each in entry["postings"]:
                sums[each["account"]] = sums.get(each["account"], 0) + each["amount"]["minor"]
        return {account: minor for account, minor in sums.items() if minor}

    async def charges(self) -> list[dict[str, Any]]:
        """What the provider has collected, oldest first."""
        async with httpx.AsyncClient(base_url=self.stack.simulator.url) as client:
            found: list[dict[str, Any]] = (await client.get(f"/simulator/charges/{self.account}")).json()
        return found

    async def simulate(self, what: str, **body: Any) -> None:
        """Make the simulator misbehave."""
        async with httpx.AsyncClient(base_url=self.stack.simulator.url) as client:
            answer = await client.post(f"/simulator/{what}", json={"account": self.account, **body})
        assert answer.is_success, answer.text


async def taking_paypal(seller: Merchant) -> str:
    """Have it collect by the simulated PayPal too; the client id of its application there."""
    client = f"app-{seller.tenant.id}"
    connected = await seller.tenant.http.put(
        "/v1/billing/payment-accounts/paypal",
        json={"clientId": client, "clientSecret": "right"},
        headers=seller.tenant.headers,
    )
    assert connected.status_code == 200, connected.text
    return client


async def merchant(stack: Stack, organisation: str) -> Merchant:
    """A new one."""
    return await selling(stack, await stack.tenant(organisation=organisation))


async def selling(stack: Stack, tenant: Tenant) -> Merchant:
    """The tenant as one."""
    account = f"sk_test_{tenant.id}"
    seller = Merchant(tenant, stack, account)
    connected = await tenant.http.put(
        "/v1/billing/payment-accounts/stripe", json={"secretKey": account}, headers=tenant.headers
    )
    assert connected.status_code == 200, connected.text
    entity = {"code": "de", "name": "Initrode", "country": "DE", "taxId": "DE136695976", "numberPrefix": "DE"}
    taxes = [{"country": "DE", "name": "USt.", "percent": "19"}]
    await seller.post("/v1/billing/legal-entities", {**entity, "graceHours": 24, "taxes": taxes})
    terms = {"name": "Monthly", "interval": "month", "charges": [PLAN]}
    await seller.post("/v1/billing/plans", {"code": "monthly", "terms": terms})
    return seller
