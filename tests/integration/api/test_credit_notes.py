"""Credit notes and refunds: given back once, whatever happens on the way, and to the minor unit in the ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import Stack, until
from e_invoices import broken_rules
from paying import Merchant, merchant

NOTES, INVOICES, REFUNDS = "/v1/billing/credit-notes", "/v1/billing/invoices", "/v1/billing/refunds"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Givers")


async def billed(seller: Merchant, customer: dict[str, Any], *amounts: str) -> dict[str, Any]:
    lines = [{"name": f"Line {number}", "unitPrice": amount} for number, amount in enumerate(amounts)]
    wish = {"customerId": customer["id"], "lines": lines, "finalize": True}
    made: dict[str, Any] = await seller.post(INVOICES, wish, status=201)
    return made


async def paid(seller: Merchant, customer: dict[str, Any], *amounts: str) -> dict[str, Any]:
    """The same once it is collected."""
    invoice = await billed(seller, customer, *amounts)
    await seller.payment(invoice, "succeeded")
    return invoice


async def note(seller: Merchant, invoice: dict[str, Any], *, status: int = 201, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await seller.post(
        NOTES, {"invoiceId": invoice["id"], "reason": "order_change", **more}, status=status
    )
    return made


def ways(made: dict[str, Any]) -> tuple[int, int, int]:
    due, credit, refund = (made[name]["minor"] for name in ("lessenedDue", "credited", "refunded"))
    return due, credit, refund


async def refunded(seller: Merchant, invoice: dict[str, Any], minor: int) -> dict[str, Any]:
    """The payment once so much of it is known to be given back."""

    async def told() -> dict[str, Any] | None:
        [payment] = await seller.payments(invoice)
        return payment if payment["refunded"]["minor"] == minor else None

    found: dict[str, Any] = await until(told, what=f"{minor} to be refunded")
    return found


class TestCreditNote:
    async def test_of_an_open_invoice_leaves_less_to_pay(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        invoice = await billed(seller, customer, "100.00", "50.00")
        key = invoice["content"]["lines"][1]["key"]

        made = await note(seller, invoice, lines=[{"key": key, "amount": "11.90"}], note="One was not needed")

        assert (1_190, 0, 0) == ways(made)
        assert (190, 1_000) == (made["content"]["taxAmount"]["minor"], made["content"]["net"]["minor"])
        assert "-CN-" in made["number"]
        now = await seller.invoice(invoice)
        assert ("open", 16_660, 17_850) == (now["status"], now["due"]["minor"], now["content"]["total"]["minor"])
        booked = await seller.booked(invoice)
        assert {"receivable": 16_660, "tax_payable": -2_660, "revenue": -14_000} == booked

    async def test_of_all_of_an_open_invoice_leaves_nothing_to_pay(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        invoice = await billed(seller, customer, "100.00")

        await note(seller, invoice)

        now = await seller.invoice(invoice)
        assert ("paid", 0) == (now["status"], now["due"]["minor"])
        assert {} == await seller.booked(invoice)

    async def test_of_a_paid_invoice_is_refunded(self, seller: Merchant) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "100.00")

        made = await note(seller, invoice)

        assert (0, 0, 11_900) == ways(made)
        refund = await seller.refund(made["refundId"], "succeeded")
        await refunded(seller, invoice, 11_900)
        assert {} == await seller.booked(invoice), "as if it had never been"
        assert 11_900 == (await seller.charges())[-1]["amount_refunded"]
        assert refund["reference"].startswith("re_")

    async def test_can_be_credit_instead(self, seller: Merchant) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "100.00")

        made = await note(seller, invoice, settlement="credit")
        after = await billed(seller, customer, "60.00")

        assert (0, 11_900, 0) == ways(made)
        assert ("paid", 0) == (after["status"], after["due"]["minor"])
        grant = await seller.tenant.get(f"/v1/billing/credit-grants/{made['creditGrantId']}")
        assert ("credit_note", 4_760) == (grant["kind"], grant["remaining"]["minor"])

    async def test_is_given_in_parts_and_never_more_than_there_is(self, seller: Merchant) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "33.33")
        key = invoice["content"]["lines"][0]["key"]

        first = await note(seller, invoice, lines=[{"key": key, "amount": "10.00"}])
        second = await note(seller, invoice, lines=[{"key": key, "amount": "10.00"}])
        much = await note(seller, invoice, lines=[{"key": key, "amount": "20.00"}], status=422)
        rest = await note(seller, invoice)
        none = await note(seller, invoice, status=422)

        assert ("billing.credit_note_invalid", "19.66 EUR") == (much["code"], much["details"]["left"])
        assert "billing.credit_note_invalid" == none["code"]
        taxes = [each["content"]["taxAmount"]["minor"] for each in (first, second, rest)]
        assert invoice["content"]["taxAmount"]["minor"] == sum(taxes)
        await refunded(seller, invoice, 3_966)
        assert {} == await seller.booked(invoice)

    async def test_is_given_once_by_those_who_ask_at_the_same_time(self, seller: Merchant) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "100.00")

        async def wish() -> int:
            body = {"invoiceId": invoice["id"], "reason": "duplicate"}
            answer = await seller.tenant.http.post(NOTES, json=body, headers=seller.tenant.headers)
            return answer.status_code

        assert [201, 422, 422, 422] == sorted(await asyncio.gather(*(wish() for _ in range(4))))
        await refunded(seller, invoice, 11_900)

    async def test_of_what_is_earned_later_is_never_earned(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        year = {"periodStart": "2031-01-01T00:00:00Z", "periodEnd": "2032-01-01T00:00:00Z"}
        line = {"name": "Support", "unitPrice": "1200.00", **year}
        invoice = await seller.post(INVOICES, {"customerId": customer["id"], "lines": [line], "finalize": True})

        await note(seller, invoice)

        entries = (await seller.tenant.get("/v1/billing/ledger/entries", invoiceId=invoice["id"], limit=200))["items"]
        by_day: dict[str, int] = {}
        for entry in entries:
            for each in entry["postings"]:
                if each["account"] == "revenue":
                    by_day[entry["day"]] = by_day.get(entry["day"], 0) + each["amount"]["minor"]
        assert {0} == set(by_day.values())

    async def test_gives_back_what_a_subscription_that_has_ended_paid_too_much(self, seller: Merchant) -> None:
        begin = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
        clock = await seller.post("/v1/billing/test-clocks", {"name": "End", "now": begin.isoformat()})
        customer = await seller.customer(testClockId=clock["id"])
        draft = await seller.draft(customer)
        await seller.post(f"{INVOICES}/{draft['id']}/finalize")
        await seller.payment(draft, "succeeded")

        path = f"/v1/billing/subscriptions/{draft['subscriptionId']}"
        await seller.post(f"{path}/cancel", {"reason": "moved away", "when": "now"})

        [made] = (await seller.tenant.get(NOTES, customerId=customer["id"]))["items"]
        assert ("subscription_ended", None) == (made["reason"], made["invoiceId"])
        assert 11_890 < made["credited"]["minor"] <= 11_900
        lines = (await seller.tenant.get(f"{path}/lines"))["items"]
        assert {made["id"]} == {each["creditNoteId"] for each in lines if each["amount"]["minor"] < 0}
        found = await seller.tenant.get(f"/v1/billing/customers/{customer['id']}/credit-balance")
        assert made["credited"] == found["balance"]
        balance = await seller.tenant.get("/v1/billing/ledger/trial-balance", day="2029-01-01")
        assert 0 == sum(each["balance"]["minor"] for each in balance["accounts"])

    async def test_of_credit_that_was_bought_takes_what_is_not_spent(self, seller: Merchant) -> None:
        customer = await seller.customer()
        wish = {"customerId": customer["id"], "amount": "100.00", "kind": "prepaid"}
        bought = await seller.post("/v1/billing/credit-grants", wish)
        invoice = {"id": bought["invoiceId"]}
        await seller.payment(invoice, "succeeded")
        await billed(seller, customer, "50.00")
        [key] = [each["key"] for each in (await seller.invoice(invoice))["content"]["lines"]]

        much = await note(seller, invoice, status=422)
        made = await note(seller, invoice, lines=[{"key": key, "amount": "40.50"}])

        assert "it is spent" == much["details"]["reason"]
        assert (0, 0, 4_050) == ways(made)
        grant = await seller.tenant.get(f"/v1/billing/credit-grants/{bought['id']}")
        assert ("voided", 0) == (grant["status"], grant["remaining"]["minor"])
        await refunded(seller, invoice, 4_050)

    async def test_has_a_pdf(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None, locale="de")
        made = await note(seller, await billed(seller, customer, "100.00"))

        document = await seller.tenant.http.get(f"{NOTES}/{made['id']}/document", headers=seller.tenant.headers)

        data = await seller.tenant.http.get(f"{NOTES}/{made['id']}/e-invoice", headers=seller.tenant.headers)

        assert document.content.startswith(b"%PDF")
        assert 200 == data.status_code, data.text
        assert [] == broken_rules(data.content, "factur-x")
        assert made["invoiceNumber"].encode() in data.content

    async def test_of_what_cannot_be_given_back_is_refused(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        draft = await seller.draft(customer)
        marked = await billed(seller, customer, "100.00")
        await seller.post(f"{INVOICES}/{marked['id']}/mark-paid", {"method": "bank_transfer"})

        early = await note(seller, draft, status=409)
        nobody = await note(seller, marked, lines=[{"key": "nothing"}], status=422)
        no_way = await note(seller, marked, settlement="refund", status=409)
        given = await note(seller, marked)
        late = await seller.post(f"{INVOICES}/{marked['id']}/void", {"reason": "x"}, status=409)

        assert "billing.invoice_step_not_possible" == early["code"] == late["code"]
        assert "billing.credit_note_invalid" == nobody["code"]
        assert "billing.refund_not_possible" == no_way["code"]
        assert (0, 11_900, 0) == ways(given), "it came by a way that money cannot go back by itself"


class TestRefund:
    @pytest.mark.parametrize("fault", ["lose_answer", "error_after", "error_before", "rate_limited"])
    async def test_moves_once_whatever_goes_wrong(self, seller: Merchant, fault: str) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "100.00")
        await seller.simulate("faults", kind=fault, path="/v1/refunds")

        made = await note(seller, invoice)

        await seller.refund(made["refundId"], "succeeded")
        await refunded(seller, invoice, 11_900)
        assert 11_900 == (await seller.charges())[-1]["amount_refunded"]
        assert {} == await seller.booked(invoice)

    async def test_is_booked_though_nobody_could_ask_how_much_it_was(self, seller: Merchant) -> None:
        customer = await seller.customer()
        invoice = await paid(seller, customer, "100.00")
        # The refund's own hint comes while the provider does not answer, and the webhook too late to help.
        await seller.simulate("webhooks", late=3_600)
        await seller.simulate("faults", kind="down", path="GET /v1/payment_intents")

        await note(seller, invoice)

        payment = await refunded(seller, invoice, 11_900)
        await seller.simulate("webhooks", late=0)
        assert (payment["status"], payment["checks"], payment["checkAt"]) == ("succeeded", 0, None)
        assert {} == await seller.booked(invoice)

    async def test_that_fails_can_become_credit(self, seller: Merchant) -> None:
        customer = await seller.customer("pm_card_refundFail")
        invoice = await paid(seller, customer, "100.00")
        made = await note(seller, invoice)
        failed = await seller.refund(made["refundId"], "failed")

        # At once, while the process of the attempt before may be ending.
        for attempt in range(2, 6):
            await seller.post(f"{REFUNDS}/{failed['id']}/retry", status=202)
            again = await seller.refund(made["refundId"], "failed", attempt=attempt)
        credited = await seller.post(f"{REFUNDS}/{failed['id']}/become-credit")
        late = await seller.post(f"{REFUNDS}/{failed['id']}/retry", status=409)

        assert "expired_or_canceled_card" == failed["message"] == again["message"]
        assert "credited" == credited["status"]
        assert "billing.refund_step_not_possible" == late["code"]
        assert (0, 11_900, 0) == ways(await seller.tenant.get(f"{NOTES}/{made['id']}"))
        assert {"stripe": 11_900, "customer_credit": -11_900} == await seller.booked(invoice)

    async def test_goes_no_further_than_what_was_collected(self, seller: Merchant) -> None:
        customer = await seller.customer()
        await seller.post("/v1/billing/credit-grants", {"customerId": customer["id"], "amount": "19.00"})
        invoice = await paid(seller, customer, "100.00")

        made = await note(seller, invoice)

        assert (0, 1_900, 10_000) == ways(made)
        await refunded(seller, invoice, 10_000)
