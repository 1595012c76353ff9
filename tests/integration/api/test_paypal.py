"""Payments by PayPal: the same promises as by Stripe, over another provider's interface."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from conftest import Stack, until
from paying import Merchant, merchant, taking_paypal

ORDERS = "/paypal/v2/checkout/orders"
CAPTURES = f"{ORDERS}/%/capture"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Pals")


@pytest.fixture(scope="module")
async def client(seller: Merchant) -> str:
    return await taking_paypal(seller)


async def payer(seller: Merchant, token: str = "paypal-pays") -> dict[str, Any]:
    """A customer that has approved this."""
    customer = await seller.customer(None)
    customer["method"] = await seller.add_card(customer, f"{token}_{customer['id']}", provider="paypal")
    return customer


async def captures(seller: Merchant, client: str, payment: dict[str, Any]) -> list[tuple[int, int]]:
    """What PayPal has taken by this payment, and what it has given back of it, in minor units."""
    async with httpx.AsyncClient(base_url=seller.stack.simulator.url) as simulator:
        found = (await simulator.get(f"/paypal/simulator/captures/{client}")).json()
    return [(each["captured"], each["refunded"]) for each in found if each["custom_id"] == payment["id"]]


async def fault(seller: Merchant, client: str, kind: str, path: str = ORDERS, times: int = 1) -> None:
    await seller.simulate("faults", account=f"paypal:{client}", kind=kind, path=path, times=times)


class TestPayment:
    async def test_collects_from_what_the_customer_has_approved(self, seller: Merchant, client: str) -> None:
        invoice = await seller.final(await payer(seller))

        payment = await seller.payment(invoice, "succeeded")

        paid = await seller.invoice(invoice)
        assert ("paid", "paypal") == (paid["status"], paid["paidBy"])
        assert [(11_900, 0)] == await captures(seller, client, payment)
        assert {"paypal": 11_900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(invoice)

    async def test_collects_from_a_card_in_its_vault(self, seller: Merchant, client: str) -> None:
        customer = await payer(seller, "card-pays")

        payment = await seller.payment(await seller.final(customer), "succeeded")

        assert ("Visa •••• 4242", "card") == (customer["method"]["label"], customer["method"]["method"])
        assert [(11_900, 0)] == await captures(seller, client, payment)

    @pytest.mark.parametrize(("issue", "kind"), [("INSTRUMENT_DECLINED", "soft"), ("PAYER_CANNOT_PAY", "hard")])
    async def test_that_is_declined_says_of_which_kind_and_can_be_tried_again(
        self, seller: Merchant, client: str, issue: str, kind: str
    ) -> None:
        customer = await payer(seller)
        token = customer["method"]["token"]
        await seller.simulate("declines", account=f"paypal:{client}", paymentMethod=token, code=issue)

        invoice = await seller.final(customer)
        failed = await seller.payment(invoice, "failed")
        await seller.post(f"/v1/billing/invoices/{invoice['id']}/collect", status=202)
        paid = await seller.payment(invoice, "succeeded", attempt=2)

        assert (kind, issue) == (failed["decline"], failed["declineCode"])
        assert [[], [(11_900, 0)]] == [await captures(seller, client, each) for each in (failed, paid)]

    async def test_that_the_payer_has_to_approve_waits_for_it(self, seller: Merchant, client: str) -> None:
        invoice = await seller.final(await payer(seller, "paypal-asks"))
        waiting = await seller.payment(invoice, "action_required")

        async with httpx.AsyncClient() as browser:
            page = await browser.get(waiting["actionUrl"])
            await browser.post(waiting["actionUrl"])
        payment = await seller.payment(invoice, "succeeded")

        assert "119.00 EUR" in page.text
        assert [(11_900, 0)] == await captures(seller, client, payment)

    async def test_that_the_payer_has_to_approve_can_be_called_off(self, seller: Merchant, client: str) -> None:
        invoice = await seller.final(await payer(seller, "paypal-asks"))
        waiting = await seller.payment(invoice, "action_required")

        await seller.post(f"/v1/billing/payments/{waiting['id']}/cancel", status=202)

        canceled = await seller.payment(invoice, "canceled")
        assert [] == await captures(seller, client, canceled)

    async def test_by_a_method_that_was_removed_there_fails_for_good(self, seller: Merchant, client: str) -> None:
        customer = await payer(seller)
        async with httpx.AsyncClient(base_url=seller.stack.simulator.url) as dashboard:
            path = f"/paypal/v3/vault/payment-tokens/{customer['method']['token']}"
            gone = await dashboard.delete(path, headers={"Authorization": f"Bearer A21A-{client}"})

        failed = await seller.payment(await seller.final(customer), "failed")

        assert (204, "hard") == (gone.status_code, failed["decline"])

    async def test_of_whose_dispute_we_may_not_read_is_collected_once(self, seller: Merchant, client: str) -> None:
        await fault(seller, client, "forbidden", "/paypal/v1/customer/disputes", times=2)

        invoice = await seller.final(await payer(seller, "paypal-disputes"))
        payment = await seller.payment(invoice, "succeeded")

        assert [(11_900, 0)] == await captures(seller, client, payment)
        await seller.payment_with(invoice, disputed=True, withdrawn=0)

    async def test_is_taken_back_by_a_dispute_that_is_lost(self, seller: Merchant, client: str) -> None:
        invoice = await seller.final(await payer(seller, "paypal-disputes"))
        payment = await seller.payment(invoice, "succeeded")
        await seller.payment_with(invoice, disputed=True, withdrawn=0)

        bearer = {"Authorization": f"Bearer A21A-{client}"}
        async with httpx.AsyncClient(base_url=f"{seller.stack.simulator.url}/paypal", headers=bearer) as sandbox:
            order = (await sandbox.get(f"/v2/checkout/orders/{payment['reference']}")).json()
            [dispute] = order["purchase_units"][0]["payments"]["captures"][0]["disputes"]
            path = f"/v1/customer/disputes/{dispute['dispute_id']}/adjudicate"
            await sandbox.post(path, json={"adjudication_outcome": "BUYER_FAVOR"})
        await seller.payment_with(invoice, withdrawn=11_900)

        assert {"chargebacks": 11_900, "tax_payable": -1_900, "revenue": -10_000} == await seller.booked(invoice)


class TestUnknownOutcome:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            (ORDERS, "lose_answer"),
            (ORDERS, "rate_limited"),
            (CAPTURES, "lose_answer"),
            (CAPTURES, "error_after"),
            (CAPTURES, "down"),
        ],
    )
    async def test_is_found_out_and_nothing_is_captured_twice(
        self, seller: Merchant, client: str, path: str, kind: str
    ) -> None:
        await fault(seller, client, kind, path)

        invoice = await seller.final(await payer(seller))
        payment = await seller.payment(invoice, "succeeded")

        assert [(11_900, 0)] == await captures(seller, client, payment)
        assert 1 == len(await seller.payments(invoice))
        assert 11_900 == (await seller.booked(invoice))["paypal"]

    async def test_that_is_called_off_meanwhile_is_paid_if_it_was_captured(self, seller: Merchant, client: str) -> None:
        await fault(seller, client, "lose_answer", CAPTURES)
        await fault(seller, client, "down", f"{ORDERS}/%", times=2)
        invoice = await seller.final(await payer(seller))
        unknown = await seller.payment(invoice, "unknown")

        await seller.post(f"/v1/billing/payments/{unknown['id']}/cancel", status=202)

        payment = await seller.payment(invoice, "succeeded")
        assert [(11_900, 0)] == await captures(seller, client, payment)


class TestRefund:
    @pytest.mark.parametrize("kind", ["none", "lose_answer"])
    async def test_of_a_credit_note_is_given_back_once(self, seller: Merchant, client: str, kind: str) -> None:
        invoice = await seller.final(await payer(seller))
        payment = await seller.payment(invoice, "succeeded")
        if kind != "none":
            await fault(seller, client, kind, "/paypal/v2/payments/captures/%/refund")

        await seller.post(
            "/v1/billing/credit-notes", {"invoiceId": invoice["id"], "reason": "order_change"}, status=201
        )
        [refund] = (await seller.tenant.get("/v1/billing/refunds", customerId=payment["customerId"]))["items"]
        await seller.refund(refund["id"], "succeeded")

        async def booked() -> bool:
            [known] = await seller.payments(invoice)
            return bool(known["refunded"]["minor"] == 11_900)

        await until(booked, what="the refund to be booked")
        assert [(11_900, 11_900)] == await captures(seller, client, payment)
        assert {} == await seller.booked(invoice)


class TestWebhook:
    def signed(self, seller: Merchant, client: str, body: bytes, wrong: str = "") -> dict[str, str]:
        [hook] = seller.stack.simulator.store.all(f"paypal:{client}", "paypal_webhook")
        headers = seller.stack.simulator.paypal.signed("another" if wrong == "webhook" else hook["id"], "evt", body)
        changed = {
            "forged": {"Paypal-Transmission-Sig": base64.b64encode(b"0" * 256).decode()},
            "certificate": {"Paypal-Cert-Url": "https://paypal.com.example/cert.pem"},
            "algorithm": {"Paypal-Auth-Algo": "none"},
        }
        headers |= changed.get(wrong, {})
        return {} if wrong == "unsigned" else headers

    async def test_is_taken_once(self, seller: Merchant, client: str) -> None:
        body = json.dumps({"id": f"WH-{seller.tenant.id}", "event_type": "x", "resource": {}}).encode()
        path = f"/v1/billing/webhooks/paypal/{seller.tenant.id}"

        answers = [
            await seller.tenant.http.post(path, content=body, headers=self.signed(seller, client, body))
            for _ in range(2)
        ]

        assert [True, False] == [answer.json()["data"]["isNew"] for answer in answers]

    @pytest.mark.parametrize("wrong", ["forged", "certificate", "algorithm", "webhook", "unsigned", "not json"])
    async def test_that_is_not_paypals_is_refused(self, seller: Merchant, client: str, wrong: str) -> None:
        body = b"[]" if wrong == "not json" else json.dumps({"id": "x", "event_type": "x", "resource": {}}).encode()

        answer = await seller.tenant.http.post(
            f"/v1/billing/webhooks/paypal/{seller.tenant.id}",
            content=body,
            headers=self.signed(seller, client, body, wrong),
        )

        assert (403, "billing.webhook_refused") == (answer.status_code, answer.json()["error"]["code"])


class TestPaymentAccount:
    async def test_is_tried_before_it_is_kept(self, neighbour: Any) -> None:
        answer = await neighbour.http.put(
            "/v1/billing/payment-accounts/paypal",
            json={"clientId": "somebody", "clientSecret": "wrong"},
            headers=neighbour.headers,
        )

        assert (422, "billing.payment_account_refused") == (answer.status_code, answer.json()["error"]["code"])
        assert {"items": []} == await neighbour.get("/v1/billing/payment-accounts")

    async def test_may_be_connected_again(self, seller: Merchant, client: str) -> None:
        assert client == await taking_paypal(seller)

        told = await seller.tenant.get("/v1/billing/payment-accounts")

        assert ["paypal", "stripe"] == sorted(each["provider"] for each in told["items"])
        assert client not in json.dumps(told)

    async def test_says_what_a_customer_has_not_approved(self, seller: Merchant, client: str) -> None:
        customer = await seller.customer(None)
        refused = await seller.post(
            "/v1/billing/payment-methods",
            {"customerId": customer["id"], "token": "unknown", "provider": "paypal"},
            status=422,
        )

        assert ("billing.payment_method_refused", "TOKEN_ID_NOT_FOUND") == (
            refused["code"],
            refused["details"]["declineCode"],
        )
