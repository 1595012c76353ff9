"""A billing run through processes, against the same steps one after another; and the preview of an invoice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

import httpx
from conftest import until

from adapters.container import Container, open_container
from adapters.kernel.clock import new_id, utc_now
from adapters.kernel.memory import settle as settle_memory
from adapters.temporal.namespace import ensure_namespace
from cli.operator import make_operator_key
from domain.billing.customer_model import Customer
from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.invoice_commands import SettleInvoice
from domain.billing.invoices import settle
from domain.billing.legal_entity_model import LegalEntity, TaxRule
from domain.billing.metering import record_usage
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.periods import BillingTime, Interval, Periods
from domain.billing.plan_model import PlanTerms, PlanVersion
from domain.billing.service import add_customer, add_legal_entity, add_meter, publish_plan
from domain.billing.subscription_commands import AdvanceSubscription, Order, Wanted
from domain.billing.subscriptions import Books, advance
from domain.billing.usage_model import UsageEvent
from domain.kernel.ids import TenantId
from performance.report import Figure
from performance.stage import provisioned, stage
from worker.main import worker_of
from worker.relay import Relay

RUN, GOAL_RUN, GOAL_SECONDS = 1_000, 10_000, 300
NAIVE, EVENTS, PREVIEWS, AHEAD = 200, 20, 300, timedelta(seconds=150)
_TERMS = {
    "name": "Bench",
    "interval": "month",
    "charges": [
        {
            "kind": "recurring",
            "code": "seats",
            "name": "Seats",
            "perSeat": True,
            "prices": {"EUR": {"model": "per_unit", "unitPrice": "12.99"}},
        },
        {
            "kind": "usage",
            "code": "traffic",
            "name": "Traffic",
            "meter": "traffic",
            "prices": {
                "EUR": {
                    "model": "graduated",
                    "tiers": [{"upTo": "10", "unitPrice": "0.10"}, {"unitPrice": "0.05", "flatFee": "1"}],
                }
            },
        },
    ],
}
_OPEN = "SELECT count(*) FROM billing_invoice WHERE status = 'open' AND created_at = $1"


async def measure(folder: Path) -> list[Figure]:
    """Each renewal counts usage, writes lines, history, an event and a draft, which its own process makes final."""
    async with stage(folder, temporal=True) as on:
        await ensure_namespace(on.settings, asyncio.Event())
        async with open_container(on.settings, process="bench", lazy=False) as container:
            tenant = await provisioned(container)
            await _catalogue(container, tenant)
            relay = Relay(container.database, container.subscriptions, container.starter)
            settle_memory()
            naive = await _one_after_another(container, tenant)
            async with worker_of(container), container.transport() as transport:
                task = asyncio.create_task(relay.run(transport))
                try:
                    rate, last = await _by_processes(container, tenant)
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
        previews, reads = await _previews(await on.api(), await make_operator_key(on.settings, "bench"), tenant, last)
    seconds = GOAL_RUN / rate
    p95, plain = quantiles(previews, n=20)[-1], quantiles(reads, n=20)[-1]
    return [
        Figure(
            what=f"Billing run of {RUN:,} subscriptions with usage, until their invoices are final",
            baseline="the same steps one after another, without processes",
            measured=f"{rate:,.0f}/s against {naive:,.0f}/s: {GOAL_RUN:,} in {seconds:,.0f} s",
            ratio=rate / naive,
            goal=f"{GOAL_RUN:,} in {GOAL_SECONDS} s",
            met=seconds <= GOAL_SECONDS,
        ),
        Figure(
            what="Preview of the upcoming invoice, usage counted",
            baseline="reading the subscription",
            measured=f"p95 {p95:.0f} ms against {plain:.0f} ms",
            ratio=p95 / plain,
            goal="p95 under 100 ms",
            met=p95 < 100,
        ),
    ]


async def _one_after_another(container: Container, tenant: TenantId) -> float:
    """Subscriptions per second."""
    end = utc_now() + timedelta(days=3)
    ids = await _subscribed(container, tenant, NAIVE, end)
    started = time.perf_counter()
    for each in ids:
        await _renewed(container, tenant, each, end)
    return NAIVE / (time.perf_counter() - started)


async def _renewed(container: Container, tenant: TenantId, each: SubscriptionId, end: datetime) -> None:
    """The period ends, and its invoice is final."""
    cmd = AdvanceSubscription(tenant_id=tenant, subscription_id=each, now=end)
    await container.billing(tenant, lambda uow: advance(uow, cmd, new_id))
    page = await container.billing(tenant, lambda uow: uow.invoices.page(None, each, None, cursor=None, limit=1))
    final = SettleInvoice(tenant_id=tenant, invoice_id=page.items[0].id, now=end)
    await container.billing(tenant, lambda uow: settle(uow, final, new_id))


async def _by_processes(container: Container, tenant: TenantId) -> tuple[float, SubscriptionId]:
    """Subscriptions per second, from the instant at which all periods end."""
    end = utc_now() + AHEAD
    ids = await _subscribed(container, tenant, RUN, end)
    assert utc_now() < end, "all of them wait before the first is due"

    async def final() -> bool:
        found: int = await container.database.run(tenant, lambda session: session.sql.fetchval(_OPEN, end))
        return found >= RUN

    await until(final, seconds=AHEAD.total_seconds() + 300, what="the billing run")
    return RUN / (utc_now() - end).total_seconds(), ids[-1]


async def _previews(
    port: int, key: str, tenant: TenantId, subscription: SubscriptionId
) -> tuple[Sequence[float], Sequence[float]]:
    """Milliseconds of previews, and of plain reads in turns with them."""
    path, headers = f"/v1/billing/subscriptions/{subscription}", {"X-API-Key": key}
    taken: dict[str, list[float]] = {f"{path}/upcoming-invoice": [], path: []}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        for _ in range(PREVIEWS):
            for each, times in taken.items():
                started = time.perf_counter()
                answer = await http.get(each, params={"tenantId": tenant})
                times.append((time.perf_counter() - started) * 1000)
                assert answer.status_code == 200, answer.text
    previews, reads = taken.values()
    return previews, reads


async def _catalogue(container: Container, tenant: TenantId) -> None:
    now = utc_now()
    meter = Meter(
        code="traffic",
        name="Traffic",
        event_type="transferred",
        aggregation=Aggregation.SUM,
        property="gigabytes",
        unit="GB",
        created_at=now,
    )
    plan = PlanVersion(
        code="bench",
        version=1,
        is_add_on=False,
        effective_from=now,
        terms=PlanTerms.model_validate(_TERMS),
        created_at=now,
    )
    entity = LegalEntity(
        code="de",
        name="Bench GmbH",
        country="DE",
        number_prefix="B",
        grace_hours=0,
        taxes=(TaxRule(country="DE", name="USt.", percent=Decimal(19)),),
        revision=1,
        created_at=now,
        updated_at=now,
    )
    await container.billing(tenant, lambda uow: add_meter(uow, tenant, meter))
    await container.billing(tenant, lambda uow: publish_plan(uow, tenant, plan))
    await container.billing(tenant, lambda uow: add_legal_entity(uow, tenant, entity))


async def _subscribed(container: Container, tenant: TenantId, number: int, end: datetime) -> list[SubscriptionId]:
    """So many new customers with a subscription each, whose period ends then, and some usage in it."""
    start = Periods(end, Interval.MONTH, 1, "UTC").boundary(-1)
    return [await _one(container, tenant, start) for _ in range(number)]


async def _one(container: Container, tenant: TenantId, start: datetime) -> SubscriptionId:
    now = utc_now()
    customer = Customer(
        id=new_id(CustomerId),
        external_id=None,
        name="Initech",
        email="pay@initech.example",
        currency="EUR",
        timezone="UTC",
        country="DE",
        revision=1,
        created_at=now,
        updated_at=now,
    )
    order = Order(customer.id, Wanted("bench", quantity=3), (), BillingTime.ANNIVERSARY, start, None)
    events = [
        UsageEvent(
            id=f"{customer.id}-{each}",
            source="/bench",
            type="transferred",
            subject=customer.id,
            time=now,
            data={"gigabytes": "1.5"},
        )
        for each in range(EVENTS)
    ]
    await container.billing(tenant, lambda uow: add_customer(uow, tenant, customer))
    sub = await container.billing(tenant, lambda uow: Books(uow, tenant, new_id, now).start(order))
    await container.billing(tenant, lambda uow: record_usage(uow, tenant, events, now=now))
    return sub.id
