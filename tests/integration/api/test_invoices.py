"""Invoices: drafted when a period turns, numbered without a gap, and never changed afterwards."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest
from conftest import Stack, Tenant, until
from people import code
from temporalio.testing import TimeSkipper

from adapters.kernel.clock import new_id, utc_now
from domain.billing.ids import InvoiceId, SubscriptionId
from domain.billing.invoice_commands import SettleInvoice
from domain.billing.invoices import settle
from domain.billing.subscription_commands import AdvanceSubscription
from domain.billing.subscriptions import advance
from domain.kernel.ids import TenantId

INVOICES, SUBSCRIPTIONS, ENTITIES = "/v1/billing/invoices", "/v1/billing/subscriptions", "/v1/billing/legal-entities"
_numbers = count(1)
SELLER = {
    "name": "Initrode GmbH",
    "address": ["Hauptstr. 1", "10115 Berlin"],
    "country": "DE",
    "taxId": "DE136695976",
    "numberPrefix": "DE",
    "timezone": "Europe/Berlin",
    "paymentDetails": "IBAN DE02 1203 0000 0000 2020 51",
    "taxes": [{"country": "DE", "name": "USt.", "percent": "19"}, {"country": "AT", "name": "USt.", "percent": "20"}],
}
CHARGES = [
    {
        "kind": "recurring",
        "code": "seats",
        "name": "Seats",
        "perSeat": True,
        "prices": {"EUR": {"model": "per_unit", "unitPrice": "12.99"}},
    },
    {
        "kind": "usage",
        "code": "calls",
        "name": "API calls",
        "meter": "calls",
        "prices": {"EUR": {"model": "per_unit", "unitPrice": "0.0104", "freeUnits": "100"}},
    },
]


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    """A German one, and one whose prices include the tax."""
    tenant = await stack.tenant(organisation="The Invoicers")
    meter = {"code": "calls", "name": "Calls", "eventType": "called", "aggregation": "count", "unit": "call"}
    for path, body in (
        ("/v1/billing/meters", meter),
        ("/v1/billing/plans", {"code": "team", "terms": {"name": "Team", "interval": "month", "charges": CHARGES}}),
        (ENTITIES, {"code": "de", **SELLER}),
        (ENTITIES, {"code": "shop", **SELLER, "numberPrefix": "SHOP", "pricesIncludeTax": True, "graceHours": 0}),
    ):
        made = await post(tenant, path, body)
        assert made.status_code == 201, made.text
    return tenant


async def post(tenant: Tenant, path: str, body: Any = None) -> httpx.Response:
    return await tenant.http.post(path, json=body or {}, headers=tenant.headers)


async def bought(seller: Tenant, *, seats: int = 3, days_ago: float = 0, **customer: Any) -> dict[str, Any]:
    """The subscription of a new customer."""
    name = f"C-{next(_numbers)}"
    body = {"name": name, "email": "pay@initech.example", "currency": "EUR", "externalId": name, "country": "DE"}
    made = await post(seller, "/v1/billing/customers", {**body, **customer})
    assert made.status_code == 201, made.text
    start = (utc_now() - timedelta(days=days_ago)).isoformat()
    order = {"customerId": made.json()["data"]["id"], "planCode": "team", "quantity": seats, "startsAt": start}
    answer = await post(seller, SUBSCRIPTIONS, order)
    assert answer.status_code == 201, answer.text
    subscription: dict[str, Any] = {**answer.json()["data"], "subject": name}
    return subscription


async def invoices(seller: Tenant, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    page = await seller.get(INVOICES, subscriptionId=subscription["id"], limit=200)
    return list(reversed(page["items"]))


async def first_is_final(seller: Tenant, subscription: dict[str, Any]) -> None:
    """Of a subscription that began long ago, its process has seen to it."""

    async def is_open() -> bool:
        [first, *_] = await invoices(seller, subscription)
        return bool(first["status"] == "open")

    await until(is_open, what="the first invoice, whose time as a draft is long over")


async def step(seller: Tenant, invoice: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    answer = await post(seller, f"{INVOICES}/{invoice['id']}/{name}", body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def let(stack: Stack, seller: Tenant, subscription: dict[str, Any], *, now: datetime) -> None:
    """What the subscription's process would do then."""
    cmd = AdvanceSubscription(
        tenant_id=TenantId(seller.id), subscription_id=SubscriptionId(subscription["id"]), now=now
    )
    await stack.container.billing(cmd.tenant_id, lambda uow: advance(uow, cmd, new_id))


async def settled(stack: Stack, seller: Tenant, invoice: dict[str, Any], *, now: datetime) -> Any:
    """What the invoice's process would do then."""
    cmd = SettleInvoice(tenant_id=TenantId(seller.id), invoice_id=InvoiceId(invoice["id"]), now=now)
    return await stack.container.billing(cmd.tenant_id, lambda uow: settle(uow, cmd, new_id))


async def altered(stack: Stack, seller: Tenant, statement: str, id_: str) -> None:
    """With the rights of the tenant's own role."""
    await stack.container.database.run(TenantId(seller.id), lambda session: session.sql.execute(statement, id_))


def sums(invoice: dict[str, Any]) -> tuple[int, int, int]:
    content = invoice["content"]
    return (content["net"]["minor"], content["taxAmount"]["minor"], content["total"]["minor"])


class TestInvoice:
    async def test_is_a_draft_first_and_final_afterwards(self, stack: Stack, seller: Tenant) -> None:
        subscription = await bought(seller)
        [draft] = await invoices(seller, subscription)

        early = await settled(stack, seller, draft, now=utc_now() + timedelta(minutes=59))
        final = await settled(stack, seller, draft, now=utc_now() + timedelta(minutes=61))

        [invoice] = await invoices(seller, subscription)
        assert ("draft", None, "finalize") == (draft["status"], draft["number"], early.next)
        assert ("open", "overdue") == (final.status, final.next)
        assert (3897, 740, 4637) == sums(invoice)
        assert timedelta(days=14) == datetime.fromisoformat(invoice["dueAt"]) - datetime.fromisoformat(
            invoice["finalizedAt"]
        )

    async def test_becomes_final_and_overdue_by_its_process(self, stack: Stack, seller: Tenant) -> None:
        subscription = await bought(seller)
        [draft] = await invoices(seller, subscription)
        handle = stack.container.starter.handle(f"{seller.id}/billing/invoice/{draft['id']}")

        async def runs() -> bool:
            status = await stack.container.starter.status(handle.id)
            return status is not None

        await until(runs, what="the invoice's process")
        await TimeSkipper(stack.container.temporal).fast_forward(handle, timedelta(days=20))
        [overdue] = await invoices(seller, subscription)
        await step(seller, overdue, "mark-paid", method="bank_transfer")

        async def ended() -> bool:
            status = await stack.container.starter.status(handle.id)
            return status is not None and status.name == "COMPLETED"

        await until(ended, what="its end")
        [paid] = await invoices(seller, subscription)
        events = (await seller.get("/v1/bus/events", subject=draft["id"]))["items"]
        assert ("open", True) == (overdue["status"], overdue["overdue"])
        assert ("paid", "bank_transfer") == (paid["status"], paid["paidBy"])
        assert ["drafted", "finalized", "overdue", "paid"] == [
            event["type"].rpartition(".")[2] for event in sorted(events, key=lambda each: each["id"])
        ]

    async def test_is_final_at_once_where_its_seller_has_no_drafts(self, stack: Stack, seller: Tenant) -> None:
        [invoice] = await invoices(seller, await bought(seller, legalEntity="shop"))
        handle = stack.container.starter.handle(f"{seller.id}/billing/invoice/{invoice['id']}")
        due = datetime.fromisoformat(invoice["dueAt"])

        async def status(wanted: str) -> bool:
            found = await stack.container.starter.status(handle.id)
            return found is not None and found.name == wanted

        await until(lambda: status("RUNNING"), what="its process")
        begins = (await handle.describe()).execution_time
        progress = await seller.get(f"{INVOICES}/{invoice['id']}/progress")
        await step(seller, invoice, "mark-paid", method="bank_transfer")
        await until(lambda: status("COMPLETED"), what="its end")

        events = (await seller.get("/v1/bus/events", subject=invoice["id"]))["items"]
        assert invoice["number"].startswith("SHOP-")
        assert ("overdue", due) == (progress["next"], datetime.fromisoformat(progress["nextAt"]))
        assert begins is not None
        assert abs(begins - due) < timedelta(seconds=1)
        assert {"billing.invoice.finalized", "billing.invoice.paid"} == {event["type"] for event in events}
        assert [None] == [event["data"].get("draftUntil") for event in events if event["type"].endswith("finalized")]

    async def test_that_is_due_before_it_would_have_been_final_is_overdue_then(
        self, stack: Stack, seller: Tenant
    ) -> None:
        terms = {**SELLER, "numberPrefix": "NOW", "paymentTermsDays": 0}
        await post(seller, ENTITIES, {"code": "now", **terms})
        [draft] = await invoices(seller, await bought(seller, legalEntity="now"))
        final = await step(seller, draft, "finalize")

        async def overdue() -> bool:
            return bool((await seller.get(f"{INVOICES}/{final['id']}"))["overdue"])

        await until(overdue, what="what its process does at once")

    async def test_that_is_a_draft_has_a_process_from_when_it_becomes_final(self, stack: Stack, seller: Tenant) -> None:
        [draft] = await invoices(seller, await bought(seller))
        handle = stack.container.starter.handle(f"{seller.id}/billing/invoice/{draft['id']}")

        async def begins() -> datetime | None:
            found = await stack.container.starter.status(handle.id)
            return (await handle.describe()).execution_time if found else None

        at = await until(begins, what="its process")
        assert abs(at - datetime.fromisoformat(draft["finalizeAt"])) < timedelta(seconds=1)

    async def test_numbers_have_no_gap_however_many_become_final_at_once(self, seller: Tenant) -> None:
        drafts = [(await invoices(seller, await bought(seller)))[0] for _ in range(8)]
        voided = drafts.pop()
        await step(seller, voided, "void", reason="for the test")

        final = await asyncio.gather(*(step(seller, draft, "finalize") for draft in drafts))

        numbers = sorted(int(invoice["number"].rpartition("-")[2]) for invoice in final)
        assert list(range(numbers[0], numbers[0] + 7)) == numbers
        assert {f"DE-{utc_now().year}"} == {invoice["number"].rpartition("-")[0] for invoice in final}

    async def test_that_is_final_is_never_changed_not_even_by_the_database(self, stack: Stack, seller: Tenant) -> None:
        [draft] = await invoices(seller, await bought(seller))
        final = await step(seller, draft, "finalize")

        again = await post(seller, f"{INVOICES}/{draft['id']}/finalize")
        for statement in (
            "UPDATE billing_invoice SET content = '{}' WHERE id = $1",
            "UPDATE billing_invoice SET number = 'X' WHERE id = $1",
            "DELETE FROM billing_invoice WHERE id = $1",
        ):
            with pytest.raises(asyncpg.RestrictViolationError, match="is final"):
                await altered(stack, seller, statement, final["id"])

        assert (409, "billing.invoice_step_not_possible") == (again.status_code, code(again))

    async def test_takes_usage_that_comes_while_it_is_a_draft(self, stack: Stack, seller: Tenant) -> None:
        subscription = await bought(seller, days_ago=20)
        await first_is_final(seller, subscription)
        end = datetime.fromisoformat(subscription["periodEnd"])
        await let(stack, seller, subscription, now=end)
        event = {"source": "/test", "type": "called", "subject": subscription["subject"]}
        late = [{**event, "id": f"{subscription['id']}-{number}"} for number in range(1_000)]
        assert 200 == (await post(seller, "/v1/billing/usage-events", late)).status_code

        await settled(stack, seller, (await invoices(seller, subscription))[1], now=end + timedelta(hours=2))

        _, renewal = await invoices(seller, subscription)
        # 900 calls at 0.0104 are 9.36, on top of three seats.
        assert ("open", 3897 + 936) == (renewal["status"], renewal["content"]["net"]["minor"])
        assert ["adjustment", "recurring"] == sorted(each["kind"] for each in renewal["content"]["lines"])

    async def test_of_a_change_waits_for_the_next_period(self, stack: Stack, seller: Tenant) -> None:
        subscription = await bought(seller, days_ago=10)
        await first_is_final(seller, subscription)
        changed = await post(seller, f"{SUBSCRIPTIONS}/{subscription['id']}/change", {"quantity": 5})
        assert 200 == changed.status_code

        await let(stack, seller, subscription, now=datetime.fromisoformat(subscription["periodEnd"]))

        _, second = await invoices(seller, subscription)
        lines = [(each["quantity"], each["amount"]["minor"] > 0) for each in second["content"]["lines"]]
        assert [("3", False), ("5", True), ("5", True)] == sorted(lines)
        assert sums(second)[0] == sum(each["amount"]["minor"] for each in second["content"]["lines"])

    async def test_that_would_be_a_credit_is_not_made_and_the_credit_waits(self, seller: Tenant) -> None:
        subscription = await bought(seller)
        [first] = await invoices(seller, subscription)
        await step(seller, first, "finalize")

        await post(seller, f"{SUBSCRIPTIONS}/{subscription['id']}/pause")

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines")
        assert 1 == len(await invoices(seller, subscription))
        assert [None, first["id"]] == [each["invoiceId"] for each in page["items"]]

    async def test_that_was_a_draft_gives_its_lines_back_when_it_is_voided(self, seller: Tenant) -> None:
        subscription = await bought(seller)
        [draft] = await invoices(seller, subscription)

        voided = await step(seller, draft, "void", reason="too early")

        page = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/lines")
        assert ("void", "too early") == (voided["status"], voided["reason"])
        assert [None] == [each["invoiceId"] for each in page["items"]]

    async def test_can_be_written_off_and_paid_after_all(self, seller: Tenant) -> None:
        [draft] = await invoices(seller, await bought(seller))
        early = await post(seller, f"{INVOICES}/{draft['id']}/write-off", {"reason": "insolvent"})
        final = await step(seller, draft, "finalize")

        off = await step(seller, final, "write-off", reason="insolvent")
        paid = await step(seller, final, "mark-paid", method="bank_transfer")

        assert "billing.invoice_step_not_possible" == code(early)
        assert ["uncollectible", "paid"] == [off["status"], paid["status"]]
        records = (await seller.get("/v1/security/audit-records", limit=200))["items"]
        assert {"billing.finalize_invoice", "billing.write_off_invoice", "billing.mark_invoice_paid"} <= {
            record["action"] for record in records if record["resource"] == draft["id"]
        }

    async def test_to_come_is_what_will_be_drafted(self, stack: Stack, seller: Tenant) -> None:
        subscription = await bought(seller, days_ago=5)
        event = {"source": "/test", "type": "called", "subject": subscription["subject"]}
        used = [{**event, "id": f"{subscription['id']}-{number}"} for number in range(500)]
        await post(seller, "/v1/billing/usage-events", used)
        await first_is_final(seller, subscription)

        upcoming = await seller.get(f"{SUBSCRIPTIONS}/{subscription['id']}/upcoming-invoice")
        await let(stack, seller, subscription, now=datetime.fromisoformat(subscription["periodEnd"]))

        _, drafted = await invoices(seller, subscription)
        assert upcoming["total"] == drafted["content"]["total"]
        assert 2 == len(drafted["content"]["lines"])


class TestTax:
    @pytest.mark.parametrize(
        ("customer", "expected"),
        [
            ({"country": "DE"}, (3897, 740, 4637)),
            ({"country": "AT"}, (3897, 779, 4676)),
            ({"country": "AT", "taxId": "ATU13585627"}, (3897, 0, 3897)),
            ({"country": "US"}, (3897, 0, 3897)),
            ({"country": "DE", "legalEntity": "shop"}, (3275, 622, 3897)),
        ],
        ids=["home", "abroad", "reverse charge", "not taxed there", "included"],
    )
    async def test_is_that_of_the_customers_country(
        self, seller: Tenant, customer: dict[str, Any], expected: tuple[int, int, int]
    ) -> None:
        [invoice] = await invoices(seller, await bought(seller, **customer))

        assert expected == sums(invoice)
        assert invoice["content"]["taxes"][0]["tax"]["reverseCharge"] is ("taxId" in customer)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"country": "DE", "taxId": "DE136695970"},
            {"country": "FR", "taxId": "DE136695976"},
            {"country": None, "taxId": "DE136695976"},
            {"country": "CH", "taxId": "CHE-107.787.570 MWST"},
        ],
        ids=["check digit", "another country", "no country", "Swiss check digit"],
    )
    async def test_id_with_wrong_check_digits_is_refused(self, seller: Tenant, wrong: dict[str, Any]) -> None:
        body = {"name": "x", "email": "x@initech.example", "currency": "EUR", **wrong}

        refused = await post(seller, "/v1/billing/customers", body)

        assert (422, "billing.tax_id_invalid") == (refused.status_code, code(refused))


class TestLegalEntity:
    async def test_keeps_its_numbers_to_itself(self, seller: Tenant) -> None:
        same = await post(seller, ENTITIES, {"code": "other", **SELLER})

        assert (409, "billing.legal_entity_exists") == (same.status_code, code(same))

    async def test_changes_for_what_is_not_final_yet(self, seller: Tenant) -> None:
        made = await post(seller, ENTITIES, {"code": "moving", **SELLER, "numberPrefix": "MOV"})
        final = await step(seller, (await invoices(seller, await bought(seller, legalEntity="moving")))[0], "finalize")
        [draft] = await invoices(seller, await bought(seller, legalEntity="moving"))

        moved = {**SELLER, "numberPrefix": "MOV", "address": ["Ringstr. 9", "50667 Köln"]}
        changed = await seller.http.put(
            f"{ENTITIES}/moving", json=moved, headers={**seller.headers, "If-Match": made.headers["ETag"]}
        )
        late = await seller.http.put(
            f"{ENTITIES}/moving", json=moved, headers={**seller.headers, "If-Match": made.headers["ETag"]}
        )

        after = await step(seller, draft, "finalize")
        kept = await seller.get(f"{INVOICES}/{final['id']}")
        assert [200, 412] == [changed.status_code, late.status_code]
        assert ["10115 Berlin", "50667 Köln"] == [each["content"]["seller"]["address"][1] for each in (kept, after)]

    async def test_that_is_not_there_cannot_sell(self, seller: Tenant) -> None:
        body = {"name": "x", "email": "x@initech.example", "currency": "EUR", "legalEntity": "nobody"}

        refused = await post(seller, "/v1/billing/customers", body)

        assert (422, "billing.legal_entity_unknown") == (refused.status_code, code(refused))
