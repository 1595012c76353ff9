"""Usage: reported in any batches and any order, kept once, and counted as DuckDB counts it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random  # noqa: TID251 - seeded, for tests
from typing import Any

import duckdb
import httpx
import pytest
from conftest import Stack, Tenant, until
from people import code

from adapters.kernel.clock import new_id, utc_now
from domain.billing.ids import SubscriptionId
from domain.billing.metering_model import Aggregation
from domain.billing.subscription_commands import AdvanceSubscription
from domain.billing.subscriptions import advance
from domain.kernel.ids import TenantId

USAGE, SUBSCRIPTIONS = "/v1/billing/usage-events", "/v1/billing/subscriptions"
_numbers = count(1)
AGGREGATES = [each.value for each in Aggregation]


def charge(meter: str, **more: Any) -> dict[str, Any]:
    price = {"model": "per_unit", "unitPrice": "0.10", "freeUnits": "10"}
    return {"kind": "usage", "code": meter, "name": meter, "meter": meter, "prices": {"EUR": price}, **more}


CHARGES = [
    *(charge(each) for each in AGGREGATES),
    charge("sum", code="europe", filters={"region": ["eu", "ch"]}),
    charge("sum", code="regions", groupBy=["region"]),
    charge("sum", code="sales", prices={"EUR": {"model": "percentage", "rate": "2.9", "fixedFee": "0.30"}}),
]


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    """With a meter of each kind, and a plan that charges for all of them."""
    tenant = await stack.tenant(organisation="The Metered")
    for each in AGGREGATES:
        meter = {"code": each, "name": each, "eventType": "work.done", "aggregation": each, "unit": "piece"}
        body = meter if each == "count" else {**meter, "property": "user" if each == "unique" else "size"}
        assert (await post(tenant, "/v1/billing/meters", body)).status_code == 201
    terms = {"name": "Metered", "interval": "month", "charges": CHARGES}
    made = await post(tenant, "/v1/billing/plans", {"code": "metered", "terms": terms})
    assert made.status_code == 201, made.text
    return tenant


async def post(tenant: Tenant, path: str, body: Any) -> httpx.Response:
    return await tenant.http.post(path, json=body, headers=tenant.headers)


async def subscribed(seller: Tenant, *, days_ago: float = 5) -> tuple[str, dict[str, Any]]:
    """A customer of its own, by its external id, and its subscription."""
    name = f"C-{next(_numbers)}"
    body = {"name": name, "email": "pay@initech.example", "currency": "EUR", "externalId": name}
    customer = (await post(seller, "/v1/billing/customers", body)).json()["data"]["id"]
    start = (utc_now() - timedelta(days=days_ago)).isoformat()
    bought = await post(seller, SUBSCRIPTIONS, {"customerId": customer, "planCode": "metered", "startsAt": start})
    assert bought.status_code == 201, bought.text
    return name, bought.json()["data"]


def event(subject: str, size: Any = 1, *, at: datetime | None = None, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "/test",
        "id": f"event-{next(_numbers)}",
        "type": "work.done",
        "subject": subject,
        **({"time": at.isoformat()} if at else {}),
        "data": {"size": size, "user": "ada", "region": "eu", **data},
    }


async def used(seller: Tenant, subscription: dict[str, Any]) -> dict[str, Decimal]:
    """Quantities by charge; of groups their sum."""
    quantities: dict[str, Decimal] = {}
    for each in await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/usage"):
        quantity = Decimal(each["line"]["quantity"])
        quantities[each["chargeCode"]] = quantities.get(each["chargeCode"], Decimal(0)) + quantity
    return quantities


async def let(stack: Stack, seller: Tenant, subscription: dict[str, Any], *, now: datetime) -> None:
    """What its process would do then."""
    cmd = AdvanceSubscription(
        tenant_id=TenantId(seller.id), subscription_id=SubscriptionId(subscription["id"]), now=now
    )
    await stack.container.billing(cmd.tenant_id, lambda uow: advance(uow, cmd, new_id))


async def lines(seller: Tenant, subscription: dict[str, Any], charge_code: str) -> list[tuple[str, str, int]]:
    """Oldest first: kind, quantity, amount."""
    page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines", limit=200)
    return [
        (each["kind"], each["quantity"], each["amount"]["minor"])
        for each in reversed(page["items"])
        if each["chargeCode"] == charge_code
    ]


class TestRecord:
    async def test_counts_an_event_once_however_often_it_is_sent(self, seller: Tenant) -> None:
        subject, subscription = await subscribed(seller)
        batch = [event(subject) for _ in range(50)]

        answers = await asyncio.gather(*(post(seller, USAGE, batch) for _ in range(5)))
        again = await post(seller, USAGE, batch[0])

        told = [answer.json()["data"] for answer in answers]
        assert 50 == sum(each["recorded"] for each in told)
        assert 200 == sum(each["duplicates"] for each in told)
        assert (0, 1) == tuple(again.json()["data"][name] for name in ("recorded", "duplicates"))
        assert Decimal(50) == (await used(seller, subscription))["count"]

    async def test_refuses_another_event_under_the_same_name_and_all_that_came_with_it(self, seller: Tenant) -> None:
        subject, subscription = await subscribed(seller)
        first = event(subject, 5, at=utc_now())
        await post(seller, USAGE, first)

        changed = {**first, "data": {**first["data"], "size": 6}}
        refused = await post(seller, USAGE, [event(subject), changed])
        moved = await post(seller, USAGE, {**first, "time": (utc_now() - timedelta(hours=1)).isoformat()})
        within = await post(seller, USAGE, [other := event(subject, 1), {**other, "data": {"size": 2, "user": "x"}}])

        assert [(409, "billing.usage_conflict")] * 3 == [
            (answer.status_code, code(answer)) for answer in (refused, moved, within)
        ]
        assert [{"source": "/test", "id": first["id"]}] == refused.json()["error"]["details"]["events"]
        assert Decimal(1) == (await used(seller, subscription))["count"]

    async def test_takes_what_is_written_otherwise_for_the_same(self, seller: Tenant) -> None:
        subject, _ = await subscribed(seller)
        at = utc_now()
        first = event(subject, 5.0, at=at)
        await post(seller, USAGE, first)

        zone = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        again = await post(seller, USAGE, {**first, "time": zone, "data": {**first["data"], "size": 5}})

        assert 1 == again.json()["data"]["duplicates"]

    async def test_says_what_nobody_will_be_charged_for(self, seller: Tenant) -> None:
        stray = {**event("nobody"), "type": "work.undone"}

        told = (await post(seller, USAGE, stray)).json()["data"]

        assert (["nobody"], ["work.undone"], 1) == tuple(
            told[name] for name in ("unknownSubjects", "unmeteredTypes", "recorded")
        )

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"data": {"user": "ada"}}, "data.size, which is not there"),
            ({"data": {"user": "ada", "size": "many"}}, "is no number"),
            ({"data": {"user": "ada", "size": True}}, "neither a number nor a text"),
            ({"data": {"user": "ada", "size": "1e13"}}, "10^12"),
            ({"data": {"user": "ada", "size": "0.0000000000001"}}, "12 decimal places"),
            ({"time": "2019-01-01T00:00:00Z"}, "within 400 days"),
            ({"time": "2199-01-01T00:00:00Z"}, "within 400 days"),
        ],
    )
    async def test_refuses_what_cannot_be_counted_and_all_that_came_with_it(
        self, seller: Tenant, wrong: dict[str, Any], says: str
    ) -> None:
        subject, subscription = await subscribed(seller)

        refused = await post(seller, USAGE, [event(subject), {**event(subject), **wrong}])

        told = refused.json()["error"]
        assert (422, "billing.usage_invalid") == (refused.status_code, told["code"])
        assert 1 == told["details"]["events"][0]["index"]
        assert says in told["details"]["events"][0]["problem"]
        assert Decimal(0) == (await used(seller, subscription))["count"]


class TestCount:
    @pytest.mark.parametrize("seed", range(4))
    async def test_is_the_same_in_any_batches_and_any_order_and_in_duckdb(self, seller: Tenant, seed: int) -> None:
        draw = Random(seed)
        (one, first), (other, second) = await subscribed(seller), await subscribed(seller)
        start, end = datetime.fromisoformat(first["periodStart"]), utc_now()
        # Some came before the subscription; several at one instant.
        times = [start + (end - start) * draw.uniform(-0.2, 1) for _ in range(40)]
        events = [
            event(
                one,
                str(Decimal(draw.randint(-5_000, 50_000)).scaleb(-draw.randint(0, 3))),
                at=draw.choice(times),
                user=f"user-{draw.randint(0, 9)}",
                region=draw.choice(["eu", "us", "ch"]),
            )
            for _ in range(150)
        ]

        await reported(seller, events, draw)
        await reported(seller, [{**each, "subject": other, "source": "/other"} for each in events], draw)

        counted = await used(seller, first)
        same = await used(seller, second)
        expected = by_duckdb(events, start, end)
        assert expected == {name: counted[name] for name in expected}
        assert expected == {name: same[name] for name in expected}

    async def test_of_a_level_weighs_it_with_how_long_it_held(self, stack: Stack, seller: Tenant) -> None:
        subject, subscription = await subscribed(seller, days_ago=20)
        start, end = (datetime.fromisoformat(subscription[name]) for name in ("periodStart", "periodEnd"))
        half = start + (end - start) / 2
        # 12 from before, less 8 from the middle on.
        await post(seller, USAGE, [event(subject, 12, at=start - timedelta(days=3)), event(subject, -8, at=half)])

        await let(stack, seller, subscription, now=end)

        assert [("usage", "8", 0)] == [
            (kind, f"{Decimal(quantity).normalize():f}", amount)
            for kind, quantity, amount in await lines(seller, subscription, "weighted_sum")
        ]

    async def test_makes_lines_by_group_and_prices_transactions_one_by_one(self, stack: Stack, seller: Tenant) -> None:
        subject, subscription = await subscribed(seller)
        await post(seller, USAGE, [event(subject, "100.00"), event(subject, "50.00", region="us")])

        await let(stack, seller, subscription, now=datetime.fromisoformat(subscription["periodEnd"]))

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines", limit=200)
        groups = {
            each["group"]["region"]: each["amount"]["minor"]
            for each in page["items"]
            if each["chargeCode"] == "regions"
        }
        # Ten are free in each group; the commission is 2.9 % of 150.00 and 0.30 for each of two.
        assert {"eu": 900, "us": 400} == groups
        assert [495] == [amount for _, _, amount in await lines(seller, subscription, "sales")]


class TestLateUsage:
    async def test_is_charged_with_the_next_period_and_voided_usage_is_credited(
        self, stack: Stack, seller: Tenant
    ) -> None:
        subject, subscription = await subscribed(seller)
        end = datetime.fromisoformat(subscription["periodEnd"])
        wrong = event(subject, 30)
        await post(seller, USAGE, [event(subject, 100), wrong])
        await let(stack, seller, subscription, now=end)

        await post(seller, USAGE, event(subject, 5, at=utc_now() - timedelta(days=1)))
        voided = await post(seller, f"{USAGE}/void", {"source": "/test", "id": wrong["id"], "reason": "a mistake"})
        await let(stack, seller, subscription, now=end + timedelta(days=32))
        await let(stack, seller, subscription, now=end + timedelta(days=64))

        assert 200 == voided.status_code
        assert [("usage", 1200), ("adjustment", -250)] == [
            (kind, amount) for kind, _, amount in await lines(seller, subscription, "sum")
        ]

    async def test_is_found_long_after_its_period(self, stack: Stack, seller: Tenant) -> None:
        subject, subscription = await subscribed(seller)
        end = datetime.fromisoformat(subscription["periodEnd"])
        await let(stack, seller, subscription, now=end + timedelta(days=100))

        await post(seller, USAGE, event(subject, 110, at=utc_now() - timedelta(days=2)))
        await let(stack, seller, subscription, now=end + timedelta(days=130))
        await let(stack, seller, subscription, now=end + timedelta(days=160))

        assert [("adjustment", "110", 1000)] == await lines(seller, subscription, "sum")

    async def test_that_is_waited_for_at_the_end_does_not_keep_it_from_going_on(self, seller: Tenant) -> None:
        _, subscription = await subscribed(seller)
        path = f"{SUBSCRIPTIONS}/{subscription['id']}"

        async def comes(name: str) -> None:
            async def next_() -> bool:
                return bool((await seller.get(f"{path}/progress"))["next"] == name)

            await until(next_, what=f"its process to {name} next")

        await comes("renew")
        await post(seller, f"{path}/cancel", {"reason": "moved away", "when": "now"})
        await comes("charge late usage")
        await post(seller, f"{path}/reactivate", {})
        await comes("renew")

    async def test_of_what_nobody_reported_cannot_be_voided(self, seller: Tenant) -> None:
        refused = await post(seller, f"{USAGE}/void", {"source": "/test", "id": "never", "reason": "a mistake"})

        assert (404, "billing.usage_not_found") == (refused.status_code, code(refused))

    async def test_that_is_voided_is_written_down(self, seller: Tenant) -> None:
        subject, _ = await subscribed(seller)
        await post(seller, USAGE, wrong := event(subject))
        await post(seller, f"{USAGE}/void", {"source": "/test", "id": wrong["id"], "reason": "a mistake"})

        records = (await seller.get("/v1/security/audit-records", limit=200))["items"]
        assert ("billing.void_usage", "a mistake") in {
            (each["action"], each["details"].get("reason")) for each in records if each["resource"] == wrong["id"]
        }


async def reported(seller: Tenant, events: Sequence[dict[str, Any]], draw: Random) -> None:
    """In any order and batches, some of them twice."""
    left = draw.sample(events, len(events))
    while left:
        size = draw.randint(1, 40)
        batch, left = left[:size], left[size:]
        for _ in range(draw.choice([1, 1, 2])):
            answer = await post(seller, USAGE, batch)
            assert answer.status_code == 200, answer.text


def by_duckdb(events: Sequence[dict[str, Any]], start: datetime, end: datetime) -> dict[str, Decimal]:
    """The quantities of each charge, as another engine has them."""
    database = duckdb.connect()
    database.execute("CREATE TABLE usage (id text, moment timestamptz, size decimal(18, 6), who text, region text)")
    database.executemany(
        "INSERT INTO usage VALUES (?, ?, ?, ?, ?)",
        [
            (each["id"], each["time"], each["data"]["size"], each["data"]["user"], each["data"]["region"])
            for each in events
        ],
    )
    row = database.execute(
        """
        SELECT count(*), sum(size), max(size), count(DISTINCT who), arg_max(size, (moment, id)),
               sum(size) FILTER (region IN ('eu', 'ch'))
        FROM usage WHERE moment >= ? AND moment <= ?
        """,
        [start, end],
    ).fetchone()
    assert row is not None
    names = ("count", "sum", "max", "unique", "latest", "europe")
    return {name: max(Decimal(value or 0), Decimal(0)) for name, value in zip(names, row, strict=True)}
