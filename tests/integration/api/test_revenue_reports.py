"""Revenue reports: what the books say recurs, and the lines behind each figure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from conftest import Stack, until
from paying import PLAN, Merchant, merchant

from adapters.kernel.clock import utc_now

REPORTS, SUBSCRIPTIONS = "/v1/billing/revenue-reports", "/v1/billing/subscriptions"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    """One with a customer for three months, one that has left, one that pays by the year, and one on a trial."""
    seller = await merchant(stack, "The Recurring")
    price = {"model": "flat", "amount": "1200.00"}
    yearly = {"kind": "recurring", "code": "year", "name": "Year", "prices": {"EUR": price}}
    await seller.post(
        "/v1/billing/plans", {"code": "yearly", "terms": {"name": "Yearly", "interval": "year", "charges": [yearly]}}
    )
    arrears = {**PLAN, "timing": "arrears"}
    trial = {"name": "Trial", "interval": "month", "trialDays": 300, "charges": [arrears]}
    await seller.post("/v1/billing/plans", {"code": "trial", "terms": trial})
    stays = await bought(seller, "monthly", days_ago=95)
    leaves = await bought(seller, "monthly", days_ago=95)
    await seller.post(f"{SUBSCRIPTIONS}/{leaves['id']}/cancel", {"reason": "too dear", "when": "now"})
    await bought(seller, "yearly", days_ago=40)
    await bought(seller, "trial", days_ago=40)
    assert stays["status"] == "active"
    return seller


async def bought(seller: Merchant, plan: str, *, days_ago: int) -> dict[str, Any]:
    customer = await seller.customer(card=None)
    start = (utc_now() - timedelta(days=days_ago)).isoformat()
    order = {"customerId": customer["id"], "planCode": plan, "startsAt": start}
    made: dict[str, Any] = await seller.post(SUBSCRIPTIONS, order, status=201)
    return made


async def report(seller: Merchant, months_back: int = 4) -> dict[str, Any]:
    now = utc_now()
    wish = {"first": (now - timedelta(days=31 * months_back)).date().isoformat(), "last": now.date().isoformat()}
    asked = await seller.post(REPORTS, wish, status=202)

    async def ready() -> dict[str, Any] | None:
        found: dict[str, Any] = await seller.tenant.get(f"{REPORTS}/{asked['id']}")
        return found if found["status"] == "ready" else None

    found: dict[str, Any] = await until(ready, what="the report")
    return found


class TestReport:
    async def test_says_what_recurs_and_what_became_of_it(self, seller: Merchant) -> None:
        found = await report(seller)

        months = found["months"]
        now = months[-1]
        assert 20_000 == now["closing"]["minor"], "100.00 a month, and 1,200.00 a year"
        assert (240_000, 2) == (now["arr"]["minor"], now["customersClosing"])
        assert 20_000 == sum(each["new"]["minor"] for each in months[:-1] if each["customersNew"] == 2)
        assert 10_000 == sum(each["churn"]["minor"] for each in months)
        gains = {name: sum(each[name]["minor"] for each in months) for name in ("new", "expansion", "reactivation")}
        assert {"new": 30_000, "expansion": 0, "reactivation": 0} == gains
        assert 1 == sum(each["customersChurned"] for each in months)

    async def test_leads_to_the_lines_that_it_is_made_of(self, seller: Merchant) -> None:
        found = await report(seller)
        month = found["months"][-1]["month"]

        page = await seller.tenant.get(f"{REPORTS}/{found['id']}/lines", month=month, limit=200)

        assert 20_000 == sum(each["monthly"]["minor"] for each in page["items"])
        [customer] = {each["customerId"] for each in page["items"] if each["planCode"] == "yearly"}
        own = await seller.tenant.get(f"{REPORTS}/{found['id']}/lines", month=month, customerId=customer)
        assert [10_000] == [each["monthly"]["minor"] for each in own["items"]]
        assert own["items"][0]["invoiceId"] is not None

    async def test_has_charts(self, seller: Merchant) -> None:
        found = await report(seller)

        for name in ("mrr", "movements", "cohorts"):
            path = f"{REPORTS}/{found['id']}/charts/{name}?currency=EUR"
            chart = await seller.tenant.http.get(path, headers=seller.tenant.headers)
            assert (200, "image/svg+xml") == (chart.status_code, chart.headers["Content-Type"])
        lost = await seller.tenant.http.get(
            f"{REPORTS}/{found['id']}/charts/mrr?currency=JPY", headers=seller.tenant.headers
        )
        assert "billing.revenue_report_not_ready" == lost.json()["error"]["code"]

    async def test_of_what_cannot_be_is_refused(self, seller: Merchant) -> None:
        now = utc_now()
        spans = (
            ("2026-05-01", "2026-04-01"),
            ("2010-01-01", "2026-01-01"),
            ("2026-01-01", str(now.year + 2) + "-01-01"),
        )
        refused = [await seller.post(REPORTS, {"first": first, "last": last}, status=422) for first, last in spans]

        assert {"billing.revenue_span_invalid"} == {each["code"] for each in refused}

    async def test_of_nothing_is_empty(self, stack: Stack) -> None:
        nobody = await merchant(stack, "The Idle")

        assert [] == (await report(nobody))["months"]
