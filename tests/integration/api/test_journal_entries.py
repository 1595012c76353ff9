"""The ledger: what invoices and payments book, and that the books always balance."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import pytest
from conftest import Stack, Tenant
from people import code

from adapters.kernel.clock import utc_now
from domain.kernel.ids import TenantId

LEDGER, INVOICES = "/v1/billing/ledger", "/v1/billing/invoices"
_numbers = count(1)
YEARLY = {
    "kind": "recurring",
    "code": "licence",
    "name": "Licence",
    "prices": {"EUR": {"model": "flat", "amount": "1200.00"}},
}


async def post(tenant: Tenant, path: str, body: Any = None) -> Any:
    answer = await tenant.http.post(path, json=body or {}, headers=tenant.headers)
    assert answer.status_code < 300, answer.text
    return answer.json()["data"]


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    tenant = await stack.tenant(organisation="The Bookkeepers")
    entity = {"name": "Initrode", "country": "DE", "timezone": "Europe/Berlin", "graceHours": 24}
    taxes = [{"country": "DE", "name": "USt.", "percent": "19"}]
    await post(tenant, "/v1/billing/legal-entities", {**entity, "code": "de", "numberPrefix": "DE", "taxes": taxes})
    terms = {"name": "Yearly", "interval": "year", "charges": [YEARLY]}
    await post(tenant, "/v1/billing/plans", {"code": "yearly", "terms": terms})
    return tenant


async def final(seller: Tenant) -> dict[str, Any]:
    """A year's invoice, for a new customer."""
    name = f"L-{next(_numbers)}"
    body = {"name": name, "email": "pay@initech.example", "currency": "EUR", "timezone": "Europe/Berlin"}
    customer = await post(seller, "/v1/billing/customers", {**body, "country": "DE"})
    bought = await post(
        seller, "/v1/billing/subscriptions", {"customerId": customer["id"], "planCode": "yearly", "quantity": 1}
    )
    [draft] = (await seller.get(INVOICES, subscriptionId=bought["id"]))["items"]
    invoice: dict[str, Any] = await post(seller, f"{INVOICES}/{draft['id']}/finalize")
    return invoice


async def entries(seller: Tenant, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    return list(reversed((await seller.get(f"{LEDGER}/entries", invoiceId=invoice["id"], limit=200))["items"]))


def balances(entries: list[dict[str, Any]], until: date = date.max) -> dict[str, int]:
    """Of the accounts on which there is something."""
    sums: dict[str, int] = {}
    for entry in entries:
        for each in entry["postings"] if date.fromisoformat(entry["day"]) <= until else ():
            sums[each["account"]] = sums.get(each["account"], 0) + each["amount"]["minor"]
    return {account: minor for account, minor in sums.items() if minor}


async def revenue(seller: Tenant, day: date) -> int:
    """Earned by then, in minor units."""
    told = await seller.get(f"{LEDGER}/trial-balance", day=str(day))
    balance: int = sum(each["balance"]["minor"] for each in told["accounts"] if each["account"] == "revenue")
    return -balance


class TestLedger:
    async def test_earns_an_invoice_over_its_year(self, seller: Tenant) -> None:
        invoice = await final(seller)

        booked = await entries(seller, invoice)

        today = date.fromisoformat(booked[0]["day"])
        then = balances(booked, today)
        # On a month's last day what is left of it is earned at once.
        earned_today = then.pop("revenue", 0)
        assert earned_today == 0 or (today + timedelta(days=1)).day == 1
        assert {"receivable": 142_800, "tax_payable": -22_800, "deferred_revenue": -120_000 - earned_today} == then
        assert {"receivable": 142_800, "tax_payable": -22_800, "revenue": -120_000} == balances(booked)
        months = 12 if earned_today else 13
        assert ["invoice_finalized", *["revenue_recognized"] * months] == [entry["kind"] for entry in booked]
        [line] = invoice["content"]["lines"]
        begun = datetime.fromisoformat(line["periodStart"])
        assert begun.replace(year=begun.year + 1).date() - date.fromisoformat(booked[-1]["day"]) <= timedelta(days=1)
        assert all(each["lineId"] for entry in booked[1:] for each in entry["postings"])

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([("mark-paid", {"method": "bank_transfer"})], {"bank": 142_800}),
            ([("write-off", {"reason": "insolvent"})], {"bad_debt": 142_800}),
            (
                [("write-off", {"reason": "insolvent"}), ("mark-paid", {"method": "bank_transfer"})],
                {"bank": 142_800},
            ),
        ],
        ids=["paid", "written off", "paid after all"],
    )
    async def test_says_where_the_money_is(
        self, seller: Tenant, steps: list[tuple[str, dict[str, str]]], expected: dict[str, int]
    ) -> None:
        invoice = await final(seller)

        for name, body in steps:
            await post(seller, f"{INVOICES}/{invoice['id']}/{name}", body)

        found = balances(await entries(seller, invoice))
        assert {**expected, "tax_payable": -22_800, "revenue": -120_000} == found

    async def test_undoes_an_invoice_that_is_not_owed(self, seller: Tenant) -> None:
        invoice = await final(seller)

        await post(seller, f"{INVOICES}/{invoice['id']}/void", {"reason": "billed to the wrong company"})

        booked = await entries(seller, invoice)
        assert {} == balances(booked) == balances(booked, date.fromisoformat(booked[0]["day"]))
        made = {entry["id"] for entry in booked if entry["reverses"] is None}
        assert made == {entry["reverses"] for entry in booked} - {None}
        assert 2 * len(made) == len(booked)

    async def test_balances_on_every_day(self, seller: Tenant) -> None:
        invoice = await final(seller)
        await post(seller, f"{INVOICES}/{invoice['id']}/mark-paid", {"method": "bank_transfer"})

        for day in (None, "2020-01-01", (utc_now() + timedelta(days=100)).date().isoformat(), "2099-12-31"):
            told = await seller.get(f"{LEDGER}/trial-balance", **({"day": day} if day else {}))
            assert 0 == sum(each["balance"]["minor"] for each in told["accounts"])
            assert all(
                each["balance"]["minor"] == each["debits"]["minor"] - each["credits"]["minor"]
                for each in told["accounts"]
            )
        assert {"bank", "tax_payable", "revenue"} <= {each["account"] for each in told["accounts"]}

    async def test_rolls_deferred_revenue_forward(self, seller: Tenant) -> None:
        await post(seller, f"{INVOICES}/{(await final(seller))['id']}/void", {"reason": "for the test"})
        await final(seller)
        start = utc_now().date()
        end = start + timedelta(days=400)

        told = (await seller.get(f"{LEDGER}/deferred-revenue", **{"from": str(start), "until": str(end)}))["months"]
        before = await seller.get(f"{LEDGER}/deferred-revenue", **{"from": "2020-01-01", "until": "2020-01-01"})

        earned = [await revenue(seller, day) for day in (start, end)]
        assert [] == before["months"]
        assert 0 == told[0]["opening"]["minor"] == told[-1]["closing"]["minor"]
        assert [month["closing"] for month in told[:-1]] == [month["opening"] for month in told[1:]]
        recognized = sum(month["recognized"]["minor"] for month in told)
        assert recognized == earned[1] - earned[0] > 0
        assert all(month["recognized"]["minor"] >= 0 for month in told)

    async def test_refuses_months_in_the_wrong_order(self, seller: Tenant) -> None:
        span = {"from": "2026-02-01", "until": "2026-01-01"}

        refused = await seller.http.get(f"{LEDGER}/deferred-revenue", params=span, headers=seller.headers)

        assert (422, "billing.ledger_span_invalid") == (refused.status_code, code(refused))

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("UPDATE billing_posting SET amount_minor = 1", asyncpg.RestrictViolationError),
            ("DELETE FROM billing_journal_entry", asyncpg.RestrictViolationError),
            ("TRUNCATE billing_posting", asyncpg.InsufficientPrivilegeError),
            (
                "INSERT INTO billing_posting SELECT min(entry_id), 99, 'bank', 'EUR', 5 FROM billing_posting",
                asyncpg.CheckViolationError,
            ),
        ],
        ids=["change", "delete", "empty", "one side only"],
    )
    async def test_is_only_ever_added_to_and_always_balances(
        self, stack: Stack, seller: Tenant, statement: str, error: type[Exception]
    ) -> None:
        await final(seller)

        with pytest.raises(error):
            await stack.container.database.run(TenantId(seller.id), lambda session: session.sql.execute(statement))
