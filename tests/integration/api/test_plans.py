"""What a tenant sells: plans in versions, and the meters that usage is counted by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant
from people import code

from adapters.kernel.clock import utc_now

PLANS, METERS = "/v1/billing/plans", "/v1/billing/meters"
FLAT = {"model": "flat", "amount": "49.00"}
BASE = {"kind": "recurring", "code": "base", "name": "Base fee", "prices": {"EUR": FLAT}}
TRAFFIC = {"kind": "usage", "code": "traffic", "name": "Traffic", "meter": "traffic"}


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    """With a meter."""
    tenant = await stack.tenant(organisation="The Sellers")
    await post(tenant, METERS, METER)
    return tenant


METER = {
    "code": "traffic",
    "name": "Traffic",
    "eventType": "storage.transferred",
    "aggregation": "sum",
    "property": "bytes",
    "unit": "byte",
}


def terms(*charges: Any, **changes: Any) -> dict[str, Any]:
    return {"name": "Pro", "interval": "month", "charges": charges or [BASE], **changes}


async def post(tenant: Tenant, path: str, body: Any) -> httpx.Response:
    return await tenant.http.post(path, json=body, headers=tenant.headers)


class TestPlan:
    async def test_is_sold_in_the_version_that_is_in_force(self, seller: Tenant) -> None:
        first = await post(seller, PLANS, {"code": "versions", "terms": terms()})
        later = (utc_now() + timedelta(days=30)).isoformat()
        dearer = terms({**BASE, "prices": {"EUR": {**FLAT, "amount": "59.00"}}})

        second = await post(seller, f"{PLANS}/versions/versions", {"effectiveFrom": later, "terms": dearer})

        now = await seller.get(f"{PLANS}/versions")
        then = await seller.get(f"{PLANS}/versions", at=later)
        listed = (await seller.get(PLANS, limit=200))["items"]
        assert [201, 201] == [first.status_code, second.status_code]
        assert [1, 2] == [now["version"], then["version"]]
        assert ["49.00", "59.00"] == [plan["terms"]["charges"][0]["prices"]["EUR"]["amount"] for plan in (now, then)]
        assert [2, 1] == [plan["version"] for plan in await seller.get(f"{PLANS}/versions/versions")]
        assert [1] == [plan["version"] for plan in listed if plan["code"] == "versions"]

    async def test_is_told_and_written_down(self, seller: Tenant) -> None:
        await post(seller, PLANS, {"code": "told", "terms": terms()})

        events = (await seller.get("/v1/bus/events", type="billing.plan.published", limit=200))["items"]
        records = (await seller.get("/v1/security/audit-records", limit=200))["items"]
        assert 1 == sum(event["data"]["planCode"] == "told" for event in events)
        assert 1 == sum(
            (record["action"], record["resource"]) == ("billing.publish_plan", "told") for record in records
        )

    async def test_never_changes_afterwards(self, seller: Tenant) -> None:
        await post(seller, PLANS, {"code": "final", "terms": terms()})
        past = (utc_now() - timedelta(days=1)).isoformat()

        again = await post(seller, PLANS, {"code": "final", "terms": terms()})
        backdated = await post(seller, f"{PLANS}/final/versions", {"effectiveFrom": past, "terms": terms()})
        yearly = await post(seller, f"{PLANS}/final/versions", {"terms": terms(interval="year")})
        nobodys = await post(seller, f"{PLANS}/nobodys/versions", {"terms": terms()})

        assert [
            "billing.plan_exists",
            "billing.plan_version_too_early",
            "billing.plan_interval_changed",
            "billing.plan_not_found",
        ] == [code(answer) for answer in (again, backdated, yearly, nobodys)]

    async def test_counts_usage_by_meters_that_are_there(self, seller: Tenant) -> None:
        per_byte = {**TRAFFIC, "prices": {"EUR": {"model": "per_unit", "unitPrice": "0.01"}}}
        commission = {**TRAFFIC, "prices": {"EUR": {"model": "percentage", "rate": "2.9"}}}
        calls = {**METER, "code": "calls", "aggregation": "count", "property": None}
        assert 201 == (await post(seller, METERS, calls)).status_code

        answers = [
            await post(seller, PLANS, {"code": f"metered-{number}", "terms": terms(charge)})
            for number, charge in enumerate(
                [per_byte, commission, {**per_byte, "meter": "nobodys"}, {**commission, "meter": "calls"}]
            )
        ]

        assert [201, 201, 422, 422] == [answer.status_code for answer in answers]
        assert {"billing.meter_unknown"} == {code(answer) for answer in answers[2:]}
        assert "count" == answers[3].json()["error"]["details"]["aggregation"]

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            (terms(BASE, BASE), "codes of their own"),
            (terms(BASE, {**BASE, "code": "usd", "prices": {"USD": FLAT}}), "the same currencies"),
            (terms(minimum={"USD": "1"}), "a currency that the charges have"),
            (terms({**BASE, "prices": {"XAU": FLAT}}), "ISO 4217"),
            (terms({**BASE, "prices": {"EUR": {"model": "percentage", "rate": "2"}}}), "percentage"),
            (terms({**BASE, "discount": 1}), "discount"),
            (terms(interval="fortnight"), "month"),
        ],
        ids=["codes", "currencies", "minimum", "gold", "percentage of nothing", "unknown field", "interval"],
    )
    async def test_refuses_terms_that_do_not_fit_together(
        self, seller: Tenant, wrong: dict[str, Any], says: str
    ) -> None:
        refused = await post(seller, PLANS, {"code": "wrong", "terms": wrong})

        assert (422, "kernel.invalid") == (refused.status_code, code(refused))
        assert says in refused.text
        assert 404 == (await seller.http.get(f"{PLANS}/wrong", headers=seller.headers)).status_code

    async def test_is_one_tenants(self, seller: Tenant, neighbour: Tenant) -> None:
        await post(seller, PLANS, {"code": "shared", "terms": terms()})

        theirs = await post(neighbour, PLANS, {"code": "shared", "terms": terms(name="Theirs")})

        assert 201 == theirs.status_code
        assert ["Pro", "Theirs"] == [
            (await tenant.get(f"{PLANS}/shared"))["terms"]["name"] for tenant in (seller, neighbour)
        ]

    async def test_are_listed_page_by_page(self, stack: Stack) -> None:
        tenant = await stack.tenant(organisation="The Pagers")
        for name in ("c", "a", "b"):
            await post(tenant, PLANS, {"code": name, "terms": terms()})

        first = await tenant.get(PLANS, limit=2)
        second = await tenant.get(PLANS, limit=2, cursor=first["nextCursor"])

        assert [["a", "b"], ["c"]] == [[plan["code"] for plan in page["items"]] for page in (first, second)]
        assert second["nextCursor"] is None


class TestMeter:
    async def test_never_changes(self, seller: Tenant) -> None:
        again = await post(seller, METERS, {**METER, "aggregation": "max"})

        kept = await seller.get(f"{METERS}/traffic")
        assert (409, "billing.meter_exists") == (again.status_code, code(again))
        assert ("sum", "bytes") == (kept["aggregation"], kept["property"])
        assert "traffic" in [meter["code"] for meter in (await seller.get(METERS))["items"]]

    @pytest.mark.parametrize(
        "wrong",
        [{"property": None}, {"aggregation": "count"}, {"aggregation": "median"}, {"code": "Traffic!"}],
        ids=["a sum of nothing", "a count of something", "unknown aggregation", "no code"],
    )
    async def test_refuses_what_cannot_be_counted(self, seller: Tenant, wrong: dict[str, Any]) -> None:
        refused = await post(seller, METERS, {**METER, "code": "wrong", **wrong})

        assert (422, "kernel.invalid") == (refused.status_code, code(refused))
