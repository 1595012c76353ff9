"""Customers' subscriptions: ordered, changed and ended over REST, and let go on by their processes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from conftest import Stack, Tenant, until
from people import code
from temporalio.testing import TimeSkipper

from adapters.kernel.clock import new_id, utc_now
from domain.billing.ids import SubscriptionId
from domain.billing.subscription_commands import AdvanceSubscription, SubscriptionProgress
from domain.billing.subscriptions import advance
from domain.kernel.ids import TenantId
from workflows.billing.subscription import SubscriptionWorkflow

SUBSCRIPTIONS = "/v1/billing/subscriptions"


def flat(charge: str, amount: str, **more: Any) -> dict[str, Any]:
    prices = {"EUR": {"model": "flat", "amount": amount}}
    return {"kind": "recurring", "code": charge, "name": charge.title(), "prices": prices, **more}


SEATS = {
    "kind": "recurring",
    "code": "seats",
    "name": "Seats",
    "perSeat": True,
    "prices": {"EUR": {"model": "per_unit", "unitPrice": "10.00"}},
}
SETUP = {"kind": "once", "code": "setup", "name": "Set-up", "prices": {"EUR": {"model": "flat", "amount": "99.00"}}}
PLANS: dict[str, dict[str, Any]] = {
    "team": {"terms": {"name": "Team", "interval": "month", "charges": [SEATS, SETUP]}},
    "big": {"terms": {"name": "Big", "interval": "month", "charges": [flat("base", "500.00")]}},
    "yearly": {"terms": {"name": "Yearly", "interval": "year", "charges": [flat("base", "1000.00")]}},
    "dollars": {
        "terms": {
            "name": "Dollars",
            "interval": "month",
            "charges": [{**SETUP, "prices": {"USD": {"model": "flat", "amount": "1"}}}],
        }
    },
    "gone": {"terms": {"name": "Gone", "interval": "month", "forSale": False, "charges": [SEATS]}},
    "trial": {"terms": {"name": "Trial", "interval": "month", "trialDays": 14, "charges": [SEATS]}},
    "backup": {"isAddOn": True, "terms": {"name": "Backup", "interval": "month", "charges": [flat("store", "5.00")]}},
    "audit": {"isAddOn": True, "terms": {"name": "Audit", "interval": "year", "charges": [flat("audit", "5.00")]}},
}


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    """With plans and one customer."""
    tenant = await stack.tenant(organisation="The Subscribers")
    for name, plan in PLANS.items():
        made = await post(tenant, "/v1/billing/plans", {"code": name, **plan})
        assert made.status_code == 201, made.text
    return tenant


@pytest.fixture(scope="module")
async def customer(seller: Tenant) -> str:
    """In Berlin, in euros."""
    body = {"name": "Initech", "email": "pay@initech.example", "currency": "EUR", "timezone": "Europe/Berlin"}
    return str((await post(seller, "/v1/billing/customers", body)).json()["data"]["id"])


async def post(tenant: Tenant, path: str, body: Any = None) -> httpx.Response:
    return await tenant.http.post(path, json=body or {}, headers=tenant.headers)


async def bought(seller: Tenant, customer: str, plan: str = "team", **more: Any) -> dict[str, Any]:
    answer = await post(seller, SUBSCRIPTIONS, {"customerId": customer, "planCode": plan, **more})
    assert answer.status_code == 201, answer.text
    subscription: dict[str, Any] = answer.json()["data"]
    return subscription


async def asked(seller: Tenant, subscription: dict[str, Any], step: str, **body: Any) -> dict[str, Any]:
    answer = await post(seller, f"{SUBSCRIPTIONS}/{subscription['id']}/{step}", body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def lines(seller: Tenant, subscription: dict[str, Any]) -> list[tuple[str, int]]:
    """Oldest first."""
    page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines", limit=200)
    return [(each["chargeCode"], each["amount"]["minor"]) for each in reversed(page["items"])]


async def process(stack: Stack, seller: Tenant, subscription: dict[str, Any], status: str = "RUNNING") -> Any:
    """The handle of its process, once it stands so and has looked."""
    handle = stack.container.starter.handle(f"{seller.id}/billing/subscription/{subscription['id']}")

    async def stands() -> bool:
        there = await stack.container.starter.status(handle.id)
        if there is None or there.name != status:
            return False
        progress: SubscriptionProgress = await handle.query(SubscriptionWorkflow.progress)
        return progress.over is (status == "COMPLETED") and bool(progress.status)

    await until(stands, what=f"the subscription's process to be {status}")
    return handle


async def let(stack: Stack, seller: Tenant, subscription: dict[str, Any], *, now: datetime) -> Any:
    """What its process would do then."""
    cmd = AdvanceSubscription(
        tenant_id=TenantId(seller.id), subscription_id=SubscriptionId(subscription["id"]), now=now
    )
    return await stack.container.billing(TenantId(seller.id), lambda uow: advance(uow, cmd, new_id))


class TestSubscription:
    async def test_is_charged_and_says_what_comes_next(self, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer, quantity=3, addOns=[{"code": "backup", "quantity": 2}])

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines")
        progress = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/progress")
        assert ("active", "EUR", "Europe/Berlin") == tuple(
            subscription[name] for name in ("status", "currency", "timezone")
        )
        assert [("seats", 3000), ("store", 500), ("setup", 9900)] == await lines(seller, subscription)
        assert ("3", "1", 3000) == tuple(
            (page["items"][2][name] if name != "price" else page["items"][2]["price"]["minor"])
            for name in ("quantity", "share", "price")
        )
        assert ("renew", "the period ends") == tuple(subscription["next"][name] for name in ("name", "why"))
        assert subscription["periodEnd"] == subscription["next"]["at"] == progress["nextAt"]

    async def test_is_a_process_that_an_operator_sees(self, stack: Stack, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        await process(stack, seller, subscription)

        told = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/progress")
        canceled = await asked(seller, subscription, "cancel", when="now", reason="for the test")

        await process(stack, seller, subscription, "COMPLETED")
        assert ("active", "renew", subscription["periodEnd"]) == tuple(
            told[name] for name in ("status", "next", "nextAt")
        )
        assert ("canceled", None) == (canceled["status"], canceled["next"])

    async def test_renews_once_however_many_look(self, stack: Stack, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        then = datetime.fromisoformat(subscription["periodEnd"])

        await asyncio.gather(*(let(stack, seller, subscription, now=then) for _ in range(5)))

        assert [("seats", 1000), ("setup", 9900), ("seats", 1000)] == await lines(seller, subscription)

    async def test_whose_worker_was_down_for_months_is_billed_for_each(
        self, stack: Stack, seller: Tenant, customer: str
    ) -> None:
        subscription = await bought(seller, customer)

        progress = await let(stack, seller, subscription, now=utc_now() + timedelta(days=100))

        revisions = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/revisions")
        assert [1000] * 4 == [amount for charge, amount in await lines(seller, subscription) if charge == "seats"]
        assert progress.next_at > utc_now() + timedelta(days=100)
        assert ["renewed", "renewed", "renewed", "activated", "scheduled"] == [
            each["change"] for each in revisions["items"]
        ]

    async def test_that_begins_later_costs_nothing_until_then(
        self, stack: Stack, seller: Tenant, customer: str
    ) -> None:
        start = utc_now() + timedelta(days=10)
        subscription = await bought(seller, customer, startsAt=start.isoformat())

        before = await lines(seller, subscription)
        await let(stack, seller, subscription, now=start)

        assert ("scheduled", "begin") == (subscription["status"], subscription["next"]["name"])
        assert [] == before
        assert 2 == len(await lines(seller, subscription))

    async def test_is_bought_in_the_version_in_force_and_keeps_it(self, seller: Tenant, customer: str) -> None:
        await post(seller, "/v1/billing/plans", {"code": "kept", "terms": PLANS["big"]["terms"]})
        first = await bought(seller, customer, "kept")
        dearer = {"name": "Big", "interval": "month", "charges": [flat("base", "600.00")]}
        await post(seller, "/v1/billing/plans/kept/versions", {"terms": dearer})

        second = await bought(seller, customer, "kept")
        more = await asked(seller, first, "change", quantity=2)
        moved = await asked(seller, first, "change", planVersion=2)

        assert [1, 2, 1, 2] == [each["items"][0]["planVersion"] for each in (first, second, more, moved)]

    async def test_can_have_prices_of_its_own(self, seller: Tenant, customer: str) -> None:
        cheaper = {"seats": {"model": "per_unit", "unitPrice": "7.50"}}
        subscription = await bought(seller, customer, quantity=4, overrides=cheaper)

        changed = await asked(seller, subscription, "change", quantity=5)

        assert ("seats", 3000) in await lines(seller, subscription)
        assert cheaper["seats"]["unitPrice"] == changed["items"][0]["overrides"]["seats"]["unitPrice"]

    @pytest.mark.parametrize(
        ("wrong", "expected"),
        [
            ({"planCode": "nobodys"}, "billing.plan_not_found"),
            ({"planCode": "gone"}, "billing.plan_not_for_sale"),
            ({"planCode": "dollars"}, "billing.currency_not_offered"),
            ({"planCode": "backup"}, "billing.add_on_does_not_fit"),
            ({"addOns": [{"code": "big"}]}, "billing.add_on_does_not_fit"),
            ({"addOns": [{"code": "audit"}]}, "billing.add_on_does_not_fit"),
            ({"addOns": [{"code": "backup"}, {"code": "backup"}]}, "billing.add_on_does_not_fit"),
            ({"overrides": {"nothing": {"model": "flat", "amount": "1"}}}, "billing.override_invalid"),
            ({"overrides": {"seats": {"model": "percentage", "rate": "1"}}}, "billing.override_invalid"),
            ({"customerId": "cus_01h455vb4pex5vsknk084sn02q"}, "billing.customer_not_found"),
            ({"startsAt": "2001-01-01T00:00:00Z"}, "billing.subscription_instant_invalid"),
            ({"quantity": 0}, "kernel.invalid"),
        ],
    )
    async def test_refuses_what_cannot_be_sold(
        self, seller: Tenant, customer: str, wrong: dict[str, Any], expected: str
    ) -> None:
        before = len((await seller.get(SUBSCRIPTIONS, limit=200))["items"])

        refused = await post(seller, SUBSCRIPTIONS, {"customerId": customer, "planCode": "team", **wrong})

        assert expected == code(refused)
        assert refused.json()["error"]["details"]["hint"]
        assert before == len((await seller.get(SUBSCRIPTIONS, limit=200))["items"])

    async def test_is_told_and_written_down(self, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        await asked(seller, subscription, "change", quantity=2)

        events = (await seller.get("/v1/bus/events", subject=subscription["id"]))["items"]
        records = (await seller.get("/v1/security/audit-records", limit=200))["items"]
        assert ["billing.subscription.created", "activated", "quantity_changed"] == [
            event["data"].get("change", event["type"]) for event in sorted(events, key=lambda each: each["id"])
        ]
        assert {"billing.start_subscription", "billing.change_subscription"} <= {
            record["action"] for record in records if record["resource"] == subscription["id"]
        }


class TestProcess:
    async def test_bills_two_years_and_a_leap_day_by_itself(self, stack: Stack, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        handle = await process(stack, seller, subscription)
        await TimeSkipper(stack.container.temporal).fast_forward(handle, timedelta(days=760))

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines", limit=200)
        periods = [each for each in reversed(page["items"]) if each["kind"] == "recurring"]
        local = [datetime.fromisoformat(each["periodStart"]).astimezone(ZoneInfo("Europe/Berlin")) for each in periods]
        assert 25 == len(periods)
        assert {1000} == {each["amount"]["minor"] for each in periods}
        assert [each["periodEnd"] for each in periods[:-1]] == [each["periodStart"] for each in periods[1:]]
        assert 1 == len({each.time() for each in local})


class TestChange:
    async def test_to_what_is_dearer_is_made_now_and_prorated(self, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)

        preview = (await asked(seller, subscription, "preview-change", planCode="big"))["accruals"]
        changed = await asked(seller, subscription, "change", planCode="big")

        charged = await lines(seller, subscription)
        assert ("big", None) == (changed["items"][0]["planCode"], changed["pending"])
        assert [("seats", -1000), ("base", 50_000)] == [(charge, round(amount, -1)) for charge, amount in charged[-2:]]
        assert ["seats", "base"] == [each["chargeCode"] for each in preview]
        assert 2 == len([each for each in charged if each[0] in {"seats", "setup"} and each[1] > 0])

    async def test_to_what_is_cheaper_waits_for_the_end_and_can_be_taken_back(
        self, seller: Tenant, customer: str
    ) -> None:
        subscription = await bought(seller, customer, "big")

        changed = await asked(seller, subscription, "change", planCode="team")
        kept = await asked(seller, subscription, "withdraw-change")

        assert ("big", "team") == (changed["items"][0]["planCode"], changed["pending"]["items"][0]["planCode"])
        assert "as it was asked to" in changed["next"]["why"]
        assert kept["pending"] is None
        assert 1 == len(await lines(seller, subscription))

    async def test_can_reach_back_within_the_period_and_no_further(self, seller: Tenant, customer: str) -> None:
        start = utc_now() - timedelta(days=3)
        subscription = await bought(seller, customer, startsAt=start.isoformat())
        back = start + timedelta(days=1)

        await asked(seller, subscription, "change", quantity=2, effectiveAt=back.isoformat())
        path = f"{SUBSCRIPTIONS}/{subscription['id']}/change"
        early = await post(seller, path, {"quantity": 3, "effectiveAt": start.isoformat()})
        ahead = await post(seller, path, {"quantity": 3, "effectiveAt": (utc_now() + timedelta(days=1)).isoformat()})

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines")
        assert back == datetime.fromisoformat(page["items"][0]["periodStart"])
        assert ["billing.proration_in_closed_period"] * 2 == [code(early), code(ahead)]
        assert back == datetime.fromisoformat(early.json()["error"]["details"]["earliest"])

    async def test_of_what_has_ended_is_refused(self, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        await asked(seller, subscription, "cancel", when="now", reason="for the test")

        answers = [
            await post(seller, f"{SUBSCRIPTIONS}/{subscription['id']}/{step}", body)
            for step, body in (
                ("change", {"quantity": 2}),
                ("pause", {}),
                ("resume", {}),
                ("cancel", {"reason": "again"}),
                ("withdraw-change", {}),
                ("extend-trial", {"until": (utc_now() + timedelta(days=9)).isoformat()}),
            )
        ]

        assert {"billing.subscription_step_not_possible"} == {code(answer) for answer in answers}
        assert {"canceled"} == {answer.json()["error"]["details"]["status"] for answer in answers}


class TestPauseAndCancel:
    async def test_a_pause_ends_by_itself(self, stack: Stack, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)
        back = utc_now() + timedelta(days=5)

        paused = await asked(seller, subscription, "pause", resumeAt=back.isoformat())
        progress = await let(stack, seller, subscription, now=back)

        assert ("paused", "resume") == (paused["status"], paused["next"]["name"])
        assert "active" == progress.status
        month = datetime.fromisoformat(subscription["periodEnd"]) - datetime.fromisoformat(subscription["periodStart"])
        left = Decimal(1000) * ((month - timedelta(days=5)) // timedelta(seconds=1)) / (month // timedelta(seconds=1))
        assert [("seats", 1000), ("setup", 9900), ("seats", -1000), ("seats", round(left))] == await lines(
            seller, subscription
        )

    async def test_an_end_that_waits_can_be_taken_back(self, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer)

        waiting = await asked(seller, subscription, "cancel", reason="moved away")
        kept = await asked(seller, subscription, "reactivate")

        assert ("cancel", "it was canceled: moved away") == (waiting["next"]["name"], waiting["next"]["why"])
        assert waiting["periodEnd"] == waiting["cancelAt"]
        assert ("renew", None) == (kept["next"]["name"], kept["cancelAt"])

    async def test_what_has_ended_can_begin_again_with_a_process(
        self, stack: Stack, seller: Tenant, customer: str
    ) -> None:
        subscription = await bought(seller, customer)
        await asked(seller, subscription, "cancel", when="now", reason="for the test")

        await process(stack, seller, subscription, "COMPLETED")

        again = await asked(seller, subscription, "reactivate")

        await process(stack, seller, subscription)
        assert ("active", "renew") == (again["status"], again["next"]["name"])

    async def test_a_trial_can_be_extended_and_ended(self, stack: Stack, seller: Tenant, customer: str) -> None:
        subscription = await bought(seller, customer, "trial", quantity=2)
        longer = utc_now() + timedelta(days=30)

        extended = await asked(seller, subscription, "extend-trial", until=longer.isoformat())
        await let(stack, seller, subscription, now=longer)

        events = (await seller.get("/v1/bus/events", type="billing.subscription.trial_ending", limit=200))["items"]
        assert ("trialing", "remind of the trial's end") == (subscription["status"], subscription["next"]["name"])
        assert longer == datetime.fromisoformat(extended["trialEnd"])
        assert [("seats", 2000)] == await lines(seller, subscription)
        assert 1 == sum(event["data"]["subscriptionId"] == subscription["id"] for event in events)
