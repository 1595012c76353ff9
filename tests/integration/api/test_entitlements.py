"""Entitlements: what customers may do by what they pay for, and what is told when they have used it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from conftest import Stack, until
from paying import PLAN, Merchant, merchant

from adapters.kernel.clock import utc_now
from domain.gateway.events import RequestCompleted
from domain.kernel.ids import RequestId, TenantId

CHECKS, SUBSCRIPTIONS = "/v1/billing/entitlement-checks", "/v1/billing/subscriptions"
_numbers = count(1)
PRO = [
    {"kind": "boolean", "feature": "exports"},
    {"kind": "limit", "feature": "projects", "limit": "10"},
    {"kind": "metered", "feature": "calls", "meter": "calls", "included": 100, "thresholds": [80, 100, 150]},
    {"kind": "metered", "feature": "renders", "meter": "renders", "included": 10, "isHard": True, "perSeat": True},
]
MORE = [
    {"kind": "limit", "feature": "projects", "limit": "5"},
    {"kind": "metered", "feature": "calls", "meter": "calls", "included": 900, "thresholds": [80]},
]


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    """One whose plan lets customers export, have ten projects, and call and render so often."""
    seller = await merchant(stack, "The Entitlers")
    for code, event_type in (("calls", "called"), ("renders", "rendered"), ("requests", "gateway.request.completed")):
        meter = {"code": code, "name": code, "eventType": event_type, "aggregation": "count", "unit": code}
        await seller.post("/v1/billing/meters", meter, status=201)
    terms = {"name": "Pro", "interval": "month", "charges": [PLAN], "entitlements": PRO}
    await seller.post("/v1/billing/plans", {"code": "pro", "terms": terms}, status=201)
    more = {"name": "More", "interval": "month", "charges": [PLAN], "entitlements": MORE}
    await seller.post("/v1/billing/plans", {"code": "more", "isAddOn": True, "terms": more}, status=201)
    requests = [{"kind": "metered", "feature": "api", "meter": "requests", "included": 4}]
    api = {"name": "API", "interval": "month", "charges": [PLAN], "entitlements": requests}
    await seller.post("/v1/billing/plans", {"code": "api", "terms": api}, status=201)
    return seller


async def pro(seller: Merchant, card: str | None = None, *, plan: str = "pro", **more: Any) -> dict[str, Any]:
    """A customer on the plan."""
    customer = await seller.customer(card=card, externalId=f"E-{next(_numbers)}", **more)
    order = {"customerId": customer["id"], "planCode": plan}
    bought = await seller.post(SUBSCRIPTIONS, order, status=201)
    return {**customer, "subscription": bought["id"]}


async def check(seller: Merchant, customer: dict[str, Any], feature: str, quantity: str = "1") -> dict[str, Any]:
    wish = {"customer": customer["externalId"], "feature": feature, "quantity": quantity}
    found: dict[str, Any] = await seller.post(CHECKS, wish)
    return found


async def uses(seller: Merchant, customer: dict[str, Any], type_: str, times: int) -> None:
    events = [
        {"source": "/test", "id": f"use-{next(_numbers)}", "type": type_, "subject": customer["externalId"]}
        for _ in range(times)
    ]
    await seller.post("/v1/billing/usage-events", events)


async def told(seller: Merchant, customer: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """The thresholds that were told of it, once there are so many."""

    async def there() -> list[dict[str, Any]] | None:
        page = await seller.tenant.get("/v1/bus/events", type="billing.usage.threshold", limit=200)
        found = [each["data"] for each in page["items"] if each["data"]["customerId"] == customer["id"]]
        return found if len(found) >= number else None

    found: list[dict[str, Any]] = await until(there, what=f"{number} thresholds")
    return sorted(found, key=lambda each: each["thresholdPercent"])


class TestCheck:
    @pytest.mark.parametrize(
        ("feature", "quantity", "allowed", "verdict"),
        [
            ("exports", "1", True, "granted"),
            ("projects", "10", True, "granted"),
            ("projects", "11", False, "limit_reached"),
            ("calls", "100", True, "granted"),
            ("calls", "101", True, "overage"),
            ("renders", "10", True, "granted"),
            ("renders", "11", False, "limit_reached"),
            ("unheard-of", "1", False, "not_included"),
        ],
    )
    async def test_says_whether_and_why(
        self, seller: Merchant, feature: str, quantity: str, allowed: bool, verdict: str
    ) -> None:
        customer = await pro(seller)

        found = await check(seller, customer, feature, quantity)

        assert (allowed, verdict) == (found["allowed"], found["verdict"])

    async def test_names_plans_that_include_it(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None, externalId=f"E-{next(_numbers)}")

        found = await check(seller, customer, "exports")

        assert (False, ["pro"]) == (found["allowed"], found["plans"])

    async def test_counts_what_was_used_in_the_period(self, seller: Merchant) -> None:
        customer = await pro(seller)
        await uses(seller, customer, "rendered", 9)

        last, much = await check(seller, customer, "renders"), await check(seller, customer, "renders", "2")

        assert (True, "9", "1") == (last["allowed"], last["used"], last["remaining"])
        assert (False, "limit_reached") == (much["allowed"], much["verdict"])
        assert last["resetsAt"] is not None

    async def test_adds_up_what_add_ons_and_seats_bring(self, seller: Merchant) -> None:
        customer = await pro(seller)
        wish = {"addOns": [{"code": "more"}], "quantity": 3, "when": "now"}
        await seller.post(f"{SUBSCRIPTIONS}/{customer['subscription']}/change", wish)

        found = await seller.tenant.get(f"/v1/billing/customers/{customer['id']}/entitlements")

        limits = {each["feature"]: each["limit"] for each in found}
        assert {"exports": None, "projects": "15", "calls": "1000", "renders": "30"} == limits

    async def test_ends_with_the_subscription(self, seller: Merchant) -> None:
        customer = await pro(seller)
        await seller.post(f"{SUBSCRIPTIONS}/{customer['subscription']}/cancel", {"reason": "x", "when": "now"})

        assert "not_included" == (await check(seller, customer, "exports"))["verdict"]

    async def test_is_no_while_dunning_has_suspended_it(self, seller: Merchant) -> None:
        steps = [
            {"action": "suspend", "afterDays": 0},
            {"action": "remind", "afterDays": 30, "template": "last_reminder"},
        ]
        path = "/v1/billing/dunning-policy"
        before = await seller.tenant.get(path)
        policy = {"name": "At once", "steps": steps}
        headers = {**seller.tenant.headers, "If-Match": f'"{before["revision"]}"'}
        changed = await seller.tenant.http.put(path, json=policy, headers=headers)
        assert changed.status_code == 200, changed.text
        customer = await pro(seller, card="pm_card_chargeCustomerFail")
        [draft] = (await seller.tenant.get("/v1/billing/invoices", customerId=customer["id"]))["items"]
        await seller.post(f"/v1/billing/invoices/{draft['id']}/finalize")

        async def suspended() -> bool:
            return "suspended" == str((await check(seller, customer, "exports"))["verdict"])

        await until(suspended, what="the suspension")
        await seller.post(f"/v1/billing/invoices/{draft['id']}/mark-paid", {"method": "bank_transfer"})

        assert "granted" == (await check(seller, customer, "exports"))["verdict"]


class TestThreshold:
    async def test_is_told_once_for_each_share(self, seller: Merchant) -> None:
        customer = await pro(seller)
        for times in (79, 1, 19):
            await uses(seller, customer, "called", times)
        [first] = await told(seller, customer, 1)
        await uses(seller, customer, "called", 60)

        found = await told(seller, customer, 3)

        assert (80, "calls", 100) == (first["thresholdPercent"], first["feature"], first["included"])
        assert [80, 100, 150] == [each["thresholdPercent"] for each in found]
        assert customer["subscription"] == found[0]["subscriptionId"]

    async def test_is_told_of_requests_that_the_gateway_has_answered(self, seller: Merchant, stack: Stack) -> None:
        key = "key_01h455vb4pex5vsknk084sn02q"
        customer = await pro(seller, plan="api", usageSubjects=[key])
        answered = [
            RequestCompleted(
                request_id=RequestId.numbered(number),
                method="GET",
                route="/v1/maps/{map_id}",
                status=200,
                api_key_id=key,
                duration_ms=12,
                request_bytes=300,
                response_bytes=2_000,
                occurred_at=utc_now(),
            )
            for number in range(4)
        ]

        async def append(uow: Any) -> None:
            for fact in answered:
                uow.events.append(fact)

        await stack.container.billing(TenantId(seller.tenant.id), append)

        found = await told(seller, customer, 2)
        assert [80, 100] == [each["thresholdPercent"] for each in found]
        [entitled] = await seller.tenant.get(f"/v1/billing/customers/{customer['id']}/entitlements")
        assert ("4", "4") == (entitled["used"], entitled["limit"])


class TestDecision:
    async def test_of_security_knows_what_a_customer_may(self, seller: Merchant) -> None:
        text = (
            'forbid (principal, action == HarborGrid::Action::"analytics.rename_dashboard", resource) '
            'when { context has entitlements && !context.entitlements.contains("exports") };'
        )
        await seller.post("/v1/security/policies", {"name": "exports are paid for", "text": text}, status=201)
        entitled = await pro(seller)
        other = await seller.customer(card=None, externalId=f"E-{next(_numbers)}")

        async def asked(name: str | None) -> bool:
            circumstances = {"customer": name} if name else {}
            wish = {"action": "analytics.rename_dashboard", "circumstances": circumstances}
            found: dict[str, Any] = await seller.post("/v1/security/check", wish)
            allowed: bool = found["allowed"]
            return allowed

        assert await asked(entitled["externalId"])
        assert await asked(entitled["id"])
        assert not await asked(other["externalId"])
        assert not await asked("nobody")
        assert await asked(None)


class TestPlan:
    async def test_that_meters_by_nothing_is_refused(self, seller: Merchant) -> None:
        lost = [{"kind": "metered", "feature": "x", "meter": "nothing", "included": 1}]
        twice = [{"kind": "boolean", "feature": "x"}, {"kind": "boolean", "feature": "x"}]
        terms = {"name": "X", "interval": "month", "charges": [PLAN]}

        refused = [
            await seller.post("/v1/billing/plans", {"code": "x", "terms": {**terms, "entitlements": each}}, status=422)
            for each in (lost, twice)
        ]

        assert ["billing.meter_unknown", "kernel.invalid"] == [each["code"] for each in refused]


class TestTrial:
    @pytest.mark.parametrize(("ending", "status"), [("pause", "paused"), ("cancel", "canceled"), ("invoice", "active")])
    async def test_that_ends_without_a_payment_method_ends_as_the_plan_says(
        self, seller: Merchant, ending: str, status: str
    ) -> None:
        begin = datetime(2027, 5, 1, 9, 0, tzinfo=UTC)
        code = f"trial-{ending}"
        terms = {"name": code, "interval": "month", "charges": [PLAN], "trialDays": 10}
        await seller.post(
            "/v1/billing/plans", {"code": code, "terms": {**terms, "trialWithoutPaymentMethod": ending}}, status=201
        )
        clock = await seller.post("/v1/billing/test-clocks", {"name": code, "now": begin.isoformat()})
        customer = await pro(seller, plan=code, testClockId=clock["id"])
        path = f"{SUBSCRIPTIONS}/{customer['subscription']}"
        to = {"to": (begin + timedelta(days=11)).isoformat()}
        await seller.post(f"/v1/billing/test-clocks/{clock['id']}/advance", to, status=202)

        async def over() -> bool:
            return (await seller.tenant.get(f"/v1/billing/test-clocks/{clock['id']}"))["target"] is None

        await until(over, what="the clock")

        assert status == (await seller.tenant.get(path))["status"]
        if ending == "pause":
            await seller.add_card(customer, "pm_card_visa")
            begun = await seller.tenant.get(path)
            assert ("active", "2027-05-12") == (begun["status"], begun["periodStart"][:10])
            lines = (await seller.tenant.get(f"{path}/lines"))["items"]
            assert [10_000] == [each["amount"]["minor"] for each in lines]

    async def test_begins_with_a_payment_method_if_the_plan_says_so(self, seller: Merchant) -> None:
        terms = {"name": "Serious", "interval": "month", "charges": [PLAN], "trialDays": 10}
        body = {"code": "serious", "terms": {**terms, "trialNeedsPaymentMethod": True}}
        await seller.post("/v1/billing/plans", body, status=201)
        poor, rich = await seller.customer(card=None), await seller.customer()

        refused = await seller.post(SUBSCRIPTIONS, {"customerId": poor["id"], "planCode": "serious"}, status=409)
        begun = await seller.post(SUBSCRIPTIONS, {"customerId": rich["id"], "planCode": "serious"}, status=201)

        assert "billing.payment_method_missing" == refused["code"]
        assert "trialing" == begun["status"]
