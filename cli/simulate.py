"""`harborgrid simulate`: customers of a new tenant live for months, on the real processes, and an audit follows."""

from __future__ import annotations

import asyncio
import time
import uuid
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from adapters.settings import BadConfiguration, load_settings
from cli.client import ApiClient, ApiRefused
from cli.environment import with_payment_simulator
from cli.onboard import stored_key
from cli.simulation.audit import Books, Finding, findings
from cli.simulation.story import COUPON, ENTITY, METER, PLANS, Character, Deed, beginning, characters

_AT_ONCE = 8


def main(months: int, customers: int, seed: int, url: str, api_key: str) -> int:
    """The command. Returns the exit code: 1 if the audit found something wrong."""
    settings = with_payment_simulator(load_settings())
    bank = settings.stripe_api_url
    if bank.startswith("https://"):
        raise BadConfiguration(
            f"HARBORGRID_STRIPE_API_URL: {bank} moves real money; a simulation takes the payment simulator, such as "
            f"http://127.0.0.1:{settings.payment_simulator_port}"
        )
    simulation = Simulation(months, customers, seed, url or settings.api_public_url, bank)
    return asyncio.run(simulation.run(api_key or stored_key()))


class Simulation:
    """One tenant, its customers, and their months."""

    def __init__(self, months: int, customers: int, seed: int, url: str, bank: str) -> None:
        self.months, self.seed, self._url = months, seed, url
        self.cast = characters(customers, seed)
        self._bank = httpx.AsyncClient(base_url=bank, timeout=30)
        self.console = Console()
        self.refused = 0

    async def run(self, operator_key: str) -> int:
        """All of it; the exit code."""
        began = time.monotonic()
        tenant, key = await self._tenant(operator_key)
        async with self._bank, ApiClient(self._url, key) as api:
            account = f"sk_test_{tenant}"
            clock, now = await self._opened(api, account)
            with Progress(BarColumn(), TextColumn("{task.description}"), console=self.console) as progress:
                bar = progress.add_task("the first day", total=self.months)
                # People act at another hour than periods turn: which comes first is no matter of milliseconds.
                now += timedelta(hours=6)
                await _advance(api, clock, now)
                for month in range(1, self.months + 1):
                    await self._each(lambda who, now=now: self._acts(api, account, who, now))
                    now = _months_later(now, 1)
                    await _advance(api, clock, now)
                    progress.update(bar, completed=month, description=f"{now:%B %Y}")
            books = await self._books(api, account, now)
        return self._told(tenant, books, findings(books), time.monotonic() - began)

    async def _tenant(self, operator_key: str) -> tuple[str, str]:
        async with ApiClient(self._url, operator_key) as operator:
            request = {
                "organisation": f"Simulation {self.seed}",
                "ownerName": "Nobody",
                "ownerEmail": "nobody@simulation.example",
                "planCode": "enterprise",
            }
            view = await operator.onboard(request, key=f"simulation-{uuid.uuid4()}")  # noqa: TID251 - a fresh request
            if view["status"] != "completed":
                raise ApiRefused(f"the simulated tenant was not onboarded: {view['errorReason']}")
            return view["tenantId"], str(await operator.reveal_first_key(view["tenantId"]))

    async def _opened(self, api: ApiClient, account: str) -> tuple[str, datetime]:
        """What is sold, and the customers on their first day."""
        await api.put("/v1/billing/payment-accounts/stripe", {"secretKey": account})
        await api.post("/v1/billing/legal-entities", ENTITY)
        await api.post("/v1/billing/meters", METER)
        await api.post("/v1/billing/coupons", COUPON)
        for code, terms in PLANS.items():
            await api.post("/v1/billing/plans", {"code": code, "terms": terms})
        now = beginning(datetime.now(UTC))  # noqa: TID251 - a command's own clock
        clock = await api.post("/v1/billing/test-clocks", {"name": f"Simulation {self.seed}", "now": now.isoformat()})

        async def comes(who: Character) -> None:
            customer = await api.post("/v1/billing/customers", {**who.customer, "testClockId": clock["id"]})
            who.customer_id = customer["id"]
            card = {"customerId": who.customer_id, "token": who.card}
            who.token = (await api.post("/v1/billing/payment-methods", card))["token"]
            order: dict[str, Any] = {
                "customerId": who.customer_id,
                "planCode": who.plan,
                "quantity": who.seats,
                "billingTime": who.billing_time,
                "coupon": COUPON["code"] if who.has_coupon else None,
            }
            who.subscription_id = (await api.post("/v1/billing/subscriptions", order))["id"]

        await self._each(comes)
        return clock["id"], now

    async def _acts(self, api: ApiClient, account: str, who: Character, now: datetime) -> None:
        for deed in who.deeds(now):
            await self._done(api, account, deed)

    async def _done(self, api: ApiClient, account: str, deed: Deed) -> None:
        if deed.method == "BANK":
            (await self._bank.post(deed.path, json={**deed.body, "account": account})).raise_for_status()
            return
        try:
            await api.post(deed.path, deed.body)
        except ApiRefused:
            # A subscription that dunning has ended can be neither changed nor paused.
            self.refused += 1

    async def _each(self, what: Any) -> None:
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(who: Character) -> None:
            async with turn:
                await what(who)

        await asyncio.gather(*map(one, self.cast))

    async def _books(self, api: ApiClient, account: str, now: datetime) -> Books:
        subscriptions = await _all(api, "/v1/billing/subscriptions")
        lines, revisions = [], {}
        for each in subscriptions:
            path = f"/v1/billing/subscriptions/{each['id']}"
            lines += await _all(api, f"{path}/lines")
            revisions[each["id"]] = list(reversed(await _all(api, f"{path}/revisions")))
        return Books(
            subscriptions=subscriptions,
            lines=lines,
            revisions=revisions,
            invoices=await _all(api, "/v1/billing/invoices"),
            payments=await _all(api, "/v1/billing/payments"),
            balances=(await api.get("/v1/billing/ledger/trial-balance", day="9999-12-31"))["accounts"],
            grants=await _all(api, "/v1/billing/credit-grants"),
            notes=await _all(api, "/v1/billing/credit-notes"),
            charges=(await self._bank.get(f"/simulator/charges/{account}")).json(),
            now=now,
        )

    def _told(self, tenant: str, books: Books, found: list[Finding], seconds: float) -> int:
        customer_months = len(self.cast) * self.months
        failed = sum(each["status"] == "failed" for each in books.payments)
        say = self.console.print
        say(f"tenant {tenant}: {len(self.cast)} customers for {self.months} months, seed {self.seed}", soft_wrap=True)
        say(
            f"invoices: {len(books.invoices)}, lines: {len(books.lines)}, payments: {len(books.payments)} "
            f"(failed: {failed}), credit notes: {len(books.notes)}, charges at the provider: {len(books.charges)}",
            soft_wrap=True,
        )
        for each in found:
            mark = "[red]wrong[/red]" if each.wrong else "[green]right[/green]"
            say(f"{mark}  {each.rule} ({each.looked_at} looked at)", soft_wrap=True)
            for what in each.wrong[:5]:
                say(f"         {what}", soft_wrap=True)
        say(f"{seconds:.0f} s, {customer_months / seconds * 60:.0f} customer-months a minute")
        return 1 if any(each.wrong for each in found) else 0


async def _all(api: ApiClient, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get(path, limit=200, cursor=cursor)
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return items


async def _advance(api: ApiClient, clock: str, to: datetime) -> None:
    path = f"/v1/billing/test-clocks/{clock}"
    await api.post(f"{path}/advance", {"to": to.isoformat()})
    while True:
        if (await api.get(path))["target"] is None:
            return
        await asyncio.sleep(0.1)


def _months_later(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(31, monthrange(year, month + 1)[1]))
