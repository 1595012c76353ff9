"""Payments: collected once, whatever happens on the way to the provider and back."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from conftest import Stack, until
from paying import Merchant, merchant

from adapters.kernel.clock import utc_now


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Collectors")


async def events(seller: Merchant, subject: str) -> list[str]:
    items = (await seller.tenant.get("/v1/bus/events", subject=subject))["items"]
    # A webhook may be faster than the answer it is about.
    types = [event["type"] for event in sorted(items, key=lambda each: each["id"])]
    return [each for each in types if each != "billing.payment.hinted"]


class TestPayment:
    async def test_collects_an_invoice_when_it_becomes_final(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer())

        payment = await seller.payment(invoice, "succeeded")

        paid = await seller.invoice(invoice)
        assert ("paid", "card") == (paid["status"], paid["paidBy"])
        [charge] = [each for each in await seller.charges() if each["payment_intent"] == payment["reference"]]
        assert (11_900, payment["id"]) == (charge["amount_captured"], charge["metadata"]["harborgrid_payment"])
        assert {"stripe": 11_900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(invoice)
        assert ["billing.payment.requested", "billing.payment.succeeded"] == await events(seller, payment["id"])
        told = await seller.tenant.get(f"/v1/billing/payments/{payment['id']}/progress")
        assert ("succeeded", True, payment["reference"]) == (told["status"], told["over"], told["reference"])

    async def test_of_a_customer_without_a_method_is_not_made(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer(None))

        refused = await seller.post(f"/v1/billing/invoices/{invoice['id']}/collect", status=409)

        assert [] == await seller.payments(invoice)
        assert "billing.payment_method_missing" == refused["code"]

    @pytest.mark.parametrize(
        ("code", "kind"),
        [("insufficient_funds", "soft"), ("expired_card", "hard"), ("stolen_card", "hard"), ("do_not_honor", "soft")],
    )
    async def test_that_is_declined_says_of_which_kind_and_can_be_tried_again(
        self, seller: Merchant, code: str, kind: str
    ) -> None:
        customer = await seller.customer()
        await seller.simulate("declines", paymentMethod=customer["method"]["token"], code=code)

        invoice = await seller.final(customer)
        failed = await seller.payment(invoice, "failed")
        again = await seller.post(f"/v1/billing/invoices/{invoice['id']}/collect", status=202)
        done = await seller.payment(invoice, "succeeded", attempt=2)

        assert (kind, code) == (failed["decline"], failed["declineCode"])
        assert (again["id"], "paid") == (done["id"], (await seller.invoice(invoice))["status"])
        assert failed["reference"] != done["reference"]

    async def test_by_a_method_that_the_provider_has_forgotten_fails_for_good(self, seller: Merchant) -> None:
        customer = await seller.customer()
        async with httpx.AsyncClient(base_url=seller.stack.simulator.url, auth=(seller.account, "")) as dashboard:
            await dashboard.post(f"/v1/payment_methods/{customer['method']['token']}/detach")

        failed = await seller.payment(await seller.final(customer), "failed")

        assert ("hard", None) == (failed["decline"], failed["reference"])

    async def test_under_way_keeps_everybody_else_from_settling_the_invoice(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer("pm_card_authenticationRequired"))
        await seller.payment(invoice, "action_required")

        path = f"/v1/billing/invoices/{invoice['id']}"
        refused = [
            await seller.post(f"{path}/collect", status=409),
            await seller.post(f"{path}/mark-paid", {"method": "bank_transfer"}, status=409),
            await seller.post(f"{path}/void", {"reason": "for the test"}, status=409),
        ]

        assert {"billing.payment_under_way"} == {each["code"] for each in refused}


class TestUnknownOutcome:
    @pytest.mark.parametrize("kind", ["lose_answer", "error_after", "error_before", "down", "rate_limited"])
    async def test_is_found_out_and_nothing_is_charged_twice(self, seller: Merchant, kind: str) -> None:
        await seller.simulate("faults", kind=kind, path="/v1/payment_intents")

        invoice = await seller.final(await seller.customer())
        payment = await seller.payment(invoice, "succeeded")

        charged = [
            each for each in await seller.charges() if each["metadata"].get("harborgrid_payment") == payment["id"]
        ]
        assert [11_900] == [each["amount_captured"] for each in charged]
        assert [1] == [each["attempt"] for each in await seller.payments(invoice)]
        assert "paid" == (await seller.invoice(invoice))["status"]
        assert 11_900 == (await seller.booked(invoice))["stripe"]

    async def test_is_told_while_it_lasts(self, seller: Merchant) -> None:
        await seller.simulate("faults", kind="lose_answer", path="/v1/payment_intents")
        # The outcome cannot be asked for either.
        await seller.simulate("faults", kind="down", path="/v1/payment_intents", times=2)

        invoice = await seller.final(await seller.customer())
        unknown = await seller.payment(invoice, "unknown")
        told = await seller.tenant.get(f"/v1/billing/payments/{unknown['id']}/progress")

        assert "ask the provider" == told["next"]
        assert "money may have moved" in told["why"]
        await seller.payment(invoice, "succeeded")


class TestAuthentication:
    async def test_waits_for_the_customer_who_then_has_paid(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer("pm_card_authenticationRequired"))
        waiting = await seller.payment(invoice, "action_required")

        async with httpx.AsyncClient() as browser:
            page = await browser.get(waiting["actionUrl"])
            await browser.post(waiting["actionUrl"], data={"outcome": "succeeds"})
        payment = await seller.payment(invoice, "succeeded")

        assert "11900 EUR" in page.text
        assert "paid" == (await seller.invoice(invoice))["status"]
        assert "billing.payment.action_required" in await events(seller, payment["id"])

    async def test_that_fails_is_a_failure_of_its_own_kind(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer("pm_card_authenticationRequired"))
        waiting = await seller.payment(invoice, "action_required")

        async with httpx.AsyncClient() as browser:
            await browser.post(waiting["actionUrl"], data={"outcome": "fails"})

        failed = await seller.payment(invoice, "failed")
        assert "authentication_required" == failed["decline"]

    async def test_can_be_called_off(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer("pm_card_authenticationRequired"))
        waiting = await seller.payment(invoice, "action_required")

        await seller.post(f"/v1/billing/payments/{waiting['id']}/cancel", status=202)

        await seller.payment(invoice, "canceled")
        async with httpx.AsyncClient() as browser:
            too_late = await browser.get(waiting["actionUrl"])
        again = await seller.post(f"/v1/billing/payments/{waiting['id']}/cancel", status=409)
        assert (404, "billing.payment_step_not_possible") == (too_late.status_code, again["code"])


class TestWebhook:
    async def hook(self, seller: Merchant, body: bytes, signature: str) -> httpx.Response:
        path = f"/v1/billing/webhooks/stripe/{seller.tenant.id}"
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return await seller.tenant.http.post(path, content=body, headers=headers)

    def signed(self, seller: Merchant, body: bytes, *, age: int = 0) -> str:
        at = int(utc_now().timestamp()) - age
        [endpoint] = seller.stack.simulator.store.all(seller.account, "webhook_endpoint")
        digest = hmac.new(endpoint["secret"].encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"

    async def test_is_taken_once(self, seller: Merchant) -> None:
        event = {"id": f"evt_{seller.tenant.id}", "type": "x", "data": {"object": {"object": "dispute"}}}
        body = json.dumps(event).encode()

        answers = [await self.hook(seller, body, self.signed(seller, body)) for _ in range(2)]

        assert [True, False] == [answer.json()["data"]["isNew"] for answer in answers]

    @pytest.mark.parametrize("wrong", ["forged", "old", "none", "not json", "another tenant"])
    async def test_that_is_not_the_providers_is_refused(self, seller: Merchant, neighbour: Any, wrong: str) -> None:
        body = b"{}" if wrong == "not json" else json.dumps({"id": "evt_1", "type": "x", "data": {}}).encode()
        signature = {
            "forged": f"t={int(utc_now().timestamp())},v1={'0' * 64}",
            "old": self.signed(seller, body, age=301),
            "none": "",
        }.get(wrong, self.signed(seller, body))
        path = f"/v1/billing/webhooks/stripe/{neighbour.id if wrong == 'another tenant' else seller.tenant.id}"

        answer = await seller.tenant.http.post(path, content=body, headers={"Stripe-Signature": signature})

        assert (403, "billing.webhook_refused") == (answer.status_code, answer.json()["error"]["code"])

    async def test_twice_late_and_backwards_changes_nothing(self, seller: Merchant) -> None:
        await seller.simulate("webhooks", twice=True, backwards=True, late=0.2)
        try:
            customer = await seller.customer()
            await seller.simulate("declines", paymentMethod=customer["method"]["token"], code="insufficient_funds")
            invoice = await seller.final(customer)
            await seller.payment(invoice, "failed")
            await seller.post(f"/v1/billing/invoices/{invoice['id']}/collect", status=202)
            await seller.payment(invoice, "succeeded", attempt=2)

            async def all_delivered() -> bool:
                return not seller.stack.simulator.store.due()

            await until(all_delivered, what="the webhooks")
        finally:
            await seller.simulate("webhooks")

        assert ["failed", "succeeded"] == [each["status"] for each in await seller.payments(invoice)]
        assert 11_900 == (await seller.booked(invoice))["stripe"]

    async def test_of_a_refund_is_found_to_be_true(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer())
        payment = await seller.payment(invoice, "succeeded")
        async with httpx.AsyncClient(base_url=seller.stack.simulator.url, auth=(seller.account, "")) as dashboard:
            await dashboard.post("/v1/refunds", data={"payment_intent": payment["reference"], "amount": "900"})

        async def told() -> dict[str, Any] | None:
            [found] = await seller.payments(invoice)
            return found if found["refunded"]["minor"] else None

        found = await until(told, what="the refund")
        assert ("succeeded", 900) == (found["status"], found["refunded"]["minor"])
        assert {"stripe": 11_000, "refunds": 900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(
            invoice
        )


class TestDispute:
    @pytest.mark.parametrize(("outcome", "withdrawn"), [("losing_evidence", 11_900), ("winning_evidence", 0)])
    async def test_takes_the_money_until_it_is_won(self, seller: Merchant, outcome: str, withdrawn: int) -> None:
        invoice = await seller.final(await seller.customer("pm_card_createDispute"))
        payment = await seller.payment(invoice, "succeeded")
        await seller.payment_with(invoice, disputed=True, withdrawn=11_900)
        assert {"chargebacks": 11_900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(invoice)

        async with httpx.AsyncClient(base_url=seller.stack.simulator.url, auth=(seller.account, "")) as dashboard:
            listed = await dashboard.get("/v1/disputes", params={"payment_intent": payment["reference"]})
            [dispute] = listed.json()["data"]
            evidence = {"evidence[uncategorized_text]": outcome}
            ended = await dashboard.post(f"/v1/disputes/{dispute['id']}", data=evidence)
        await seller.payment_with(invoice, withdrawn=withdrawn)

        assert ended.json()["status"] == ("lost" if withdrawn else "won")
        kept = 11_900 - withdrawn
        booked = {"stripe": kept, "chargebacks": withdrawn, "tax_payable": -1_900, "revenue": -10_000}
        assert {account: minor for account, minor in booked.items() if minor} == await seller.booked(invoice)
        assert "paid" == (await seller.invoice(invoice))["status"]
        told = [each["type"] for each in await seller.events_of(payment) if "funds" in each["type"]]
        won = [] if withdrawn else ["billing.payment.funds_reinstated"]
        assert ["billing.payment.funds_withdrawn", *won] == told

    @pytest.mark.parametrize("path", ["GET /v1/charges", "GET /v1/disputes"])
    async def test_that_our_key_may_not_read_leaves_the_payment_collected_once(
        self, seller: Merchant, path: str
    ) -> None:
        before = len(await seller.charges())
        await seller.simulate("faults", kind="forbidden", path=path, times=1)
        invoice = await seller.final(await seller.customer("pm_card_createDispute"))

        await seller.payment(invoice, "succeeded")
        # What the webhooks tell of is read, once it may be.
        await seller.payment_with(invoice, disputed=True, withdrawn=11_900)

        assert before + 1 == len(await seller.charges())
        assert {"chargebacks": 11_900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(invoice)

    async def test_leaves_nothing_to_refund(self, seller: Merchant) -> None:
        invoice = await seller.final(await seller.customer("pm_card_createDispute"))
        await seller.payment(invoice, "succeeded")
        await seller.payment_with(invoice, withdrawn=11_900)

        wish = {"invoiceId": invoice["id"], "reason": "order_change"}
        refused = await seller.post("/v1/billing/credit-notes", {**wish, "settlement": "refund"}, status=409)
        note = await seller.post("/v1/billing/credit-notes", wish, status=201)

        assert ("billing.refund_not_possible", "0.00 EUR") == (refused["code"], refused["details"]["refundable"])
        assert (11_900, 0) == (note["credited"]["minor"], note["refunded"]["minor"])


class TestPaymentMethod:
    async def test_is_kept_as_a_token(self, seller: Merchant) -> None:
        customer = await seller.customer()

        first = customer["method"]
        second = await seller.add_card(customer, "pm_card_mastercard")
        third = await seller.add_card(customer, "pm_card_amex", makeDefault=False)
        listed = await seller.tenant.get("/v1/billing/payment-methods", customerId=customer["id"])

        assert ("Visa •••• 4242", "2034-12", "card") == (first["label"], first["expires"], first["method"])
        assert [(third["id"], False), (second["id"], True), (first["id"], False)] == [
            (each["id"], each["isDefault"]) for each in listed["items"]
        ]
        assert 1 == len({each["accountReference"] for each in listed["items"]})

    async def test_that_is_declined_is_refused_with_the_providers_code(self, seller: Merchant) -> None:
        customer = await seller.customer(None)
        path = "/v1/billing/payment-methods"

        refused = await seller.post(
            path, {"customerId": customer["id"], "token": "pm_card_visa_chargeDeclinedLostCard"}, status=422
        )
        unknown = await seller.post(path, {"customerId": customer["id"], "token": "pm_nobody"}, status=422)

        assert ("billing.payment_method_refused", "lost_card") == (refused["code"], refused["details"]["declineCode"])
        assert "resource_missing" == unknown["details"]["declineCode"]

    async def test_can_be_removed_unless_it_is_at_work(self, seller: Merchant) -> None:
        customer = await seller.customer("pm_card_authenticationRequired")
        path = f"/v1/billing/payment-methods/{customer['method']['id']}"
        invoice = await seller.final(customer)
        await seller.payment(invoice, "action_required")

        busy = await seller.tenant.http.delete(path, headers=seller.tenant.headers)
        [payment] = await seller.payments(invoice)
        await seller.post(f"/v1/billing/payments/{payment['id']}/cancel", status=202)
        await seller.payment(invoice, "canceled")
        removed = await seller.tenant.http.delete(path, headers=seller.tenant.headers)
        gone = await seller.tenant.http.delete(path, headers=seller.tenant.headers)

        assert [409, 200, 404] == [busy.status_code, removed.status_code, gone.status_code]
        kept = seller.stack.simulator.store.find(seller.account, customer["method"]["token"])
        assert kept is not None
        assert kept["customer"] is None


class TestPaymentAccount:
    async def test_is_tried_before_it_is_kept(self, seller: Merchant, neighbour: Any) -> None:
        answer = await neighbour.http.put(
            "/v1/billing/payment-accounts/stripe", json={"secretKey": "sk_live_wrong"}, headers=neighbour.headers
        )

        assert (422, "billing.payment_account_refused") == (answer.status_code, answer.json()["error"]["code"])
        assert {"items": []} == await neighbour.get("/v1/billing/payment-accounts")

    async def test_keeps_its_secrets_to_itself(self, stack: Stack, seller: Merchant) -> None:
        told = await seller.tenant.get("/v1/billing/payment-accounts")

        row = await stack.container.database.run(
            None,
            lambda session: session.sql.fetchrow(
                "SELECT sealed FROM billing_payment_account WHERE tenant_id = $1", seller.tenant.id
            ),
        )
        assert ["stripe"] == [each["provider"] for each in told["items"]]
        assert seller.account not in json.dumps(told)
        assert row is not None
        assert seller.account.encode() not in row["sealed"]

    async def test_many_at_once_are_charged_once_each(self, seller: Merchant) -> None:
        customers = [await seller.customer() for _ in range(6)]
        before = len(await seller.charges())

        invoices = await asyncio.gather(*(seller.final(customer) for customer in customers))
        await asyncio.gather(*(seller.payment(invoice, "succeeded") for invoice in invoices))

        assert before + 6 == len(await seller.charges())
