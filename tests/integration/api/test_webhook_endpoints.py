"""Webhooks out: every event once, signed, tried again until it is taken, and sent once more on demand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from conftest import Stack, until
from hooks import Receiver, receiver
from paying import Merchant, merchant
from standardwebhooks import Webhook
from temporalio.testing import TimeSkipper

from adapters.billing.webhook_sender import HttpWebhookSender, WebhookSecrets
from adapters.kernel.clock import utc_now
from adapters.kernel.outside import Outside

ENDPOINTS, DELIVERIES = "/v1/billing/webhook-endpoints", "/v1/billing/webhook-deliveries"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Hooked")


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


async def endpoint(seller: Merchant, there: Receiver, *types: str) -> dict[str, Any]:
    wish = {"url": there.url, "types": list(types) or ["billing.invoice.*"]}
    made: dict[str, Any] = await seller.post(ENDPOINTS, wish, status=201)
    return made


async def invoice(seller: Merchant, customer: dict[str, Any]) -> dict[str, Any]:
    wish = {"customerId": customer["id"], "lines": [{"name": "Work", "unitPrice": "10.00"}], "finalize": True}
    made: dict[str, Any] = await seller.post("/v1/billing/invoices", wish, status=201)
    return made


async def received(there: Receiver, number: int) -> list[dict[str, Any]]:
    """What has arrived, once it is so many."""

    async def enough() -> bool:
        return len(there.taken) >= number

    await until(enough, what=f"{number} messages")
    return [json.loads(body) for _, body in there.taken]


async def logged(seller: Merchant, hook: dict[str, Any], status: str) -> list[dict[str, Any]]:
    """The endpoint's messages once all of them stand so, oldest first, with their attempts."""

    async def stand() -> list[dict[str, Any]] | None:
        items = (await seller.tenant.get(DELIVERIES, endpointId=hook["id"], limit=200))["items"]
        return items if items and all(each["status"] == status for each in items) else None

    found = await until(stand, what=f"the messages to be {status}")
    return [await seller.tenant.get(f"{DELIVERIES}/{each['id']}") for each in reversed(found)]


async def waiting(seller: Merchant, hook: dict[str, Any], attempts: int) -> dict[str, Any]:
    """The one message, once it was tried so often."""

    async def tried() -> dict[str, Any] | None:
        items = (await seller.tenant.get(DELIVERIES, endpointId=hook["id"]))["items"]
        return items[0] if items and items[0]["attempts"] == attempts else None

    found: dict[str, Any] = await until(tried, what=f"{attempts} attempts")
    return found


class TestEndpoint:
    async def test_is_sent_each_event_that_it_wants_signed_as_the_standard_says(
        self, seller: Merchant, there: Receiver
    ) -> None:
        hook = await endpoint(seller, there, "billing.invoice.finalized", "billing.invoice.paid")
        customer = await seller.customer()

        made = await invoice(seller, customer)

        events = await received(there, 2)
        assert ["com.harborgrid.billing.invoice.finalized.v1", "com.harborgrid.billing.invoice.paid.v1"] == sorted(
            each["type"] for each in events
        )
        assert {made["id"]} == {each["data"]["invoiceId"] for each in events}
        for headers, body in there.taken:
            assert Webhook(hook["secret"]).verify(body, headers)
            assert json.loads(body)["id"] == headers["webhook-id"]
        assert [1, 1] == [each["attempts"] for each in await logged(seller, hook, "delivered")]
        assert "secret" not in await seller.tenant.get(f"{ENDPOINTS}/{hook['id']}")

    async def test_is_tried_again_until_it_takes_the_message(
        self, seller: Merchant, there: Receiver, stack: Stack
    ) -> None:
        there.answers = [500, 429, 302]
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        await invoice(seller, await seller.customer(card=None))
        handle = stack.container.temporal.get_workflow_handle(
            f"{seller.tenant.id}/billing/webhook_endpoint/{hook['id']}"
        )

        for attempts, wait in ((1, timedelta(seconds=10)), (2, timedelta(minutes=6)), (3, timedelta(minutes=31))):
            await waiting(seller, hook, attempts)
            await TimeSkipper(stack.container.temporal).fast_forward(handle, wait)

        [event] = await received(there, 1)
        [delivery] = await logged(seller, hook, "delivered")
        assert [500, 429, 302, 200] == [each["status"] for each in delivery["log"]]
        assert ("not now", "thank you") == (delivery["log"][0]["answer"], delivery["log"][-1]["answer"])
        assert delivery["eventId"] == event["id"]

    async def test_that_takes_nothing_is_given_up(self, seller: Merchant, there: Receiver, stack: Stack) -> None:
        there.answers = [503] * 50
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        await invoice(seller, await seller.customer(card=None))
        handle = stack.container.temporal.get_workflow_handle(
            f"{seller.tenant.id}/billing/webhook_endpoint/{hook['id']}"
        )
        await waiting(seller, hook, 1)

        await TimeSkipper(stack.container.temporal).fast_forward(handle, timedelta(hours=80))

        [delivery] = await logged(seller, hook, "failed")
        assert 10 == len(delivery["log"])
        there.answers = []
        await seller.post(f"{DELIVERIES}/{delivery['id']}/retry", status=202)
        await received(there, 1)

    async def test_that_says_it_is_gone_is_disabled(self, seller: Merchant, there: Receiver) -> None:
        there.answers = [410]
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        await invoice(seller, await seller.customer(card=None))

        async def disabled() -> dict[str, Any] | None:
            found: dict[str, Any] = await seller.tenant.get(f"{ENDPOINTS}/{hook['id']}")
            return None if found["isEnabled"] else found

        found = await until(disabled, what="the endpoint to be disabled")
        assert "it answers 410 Gone" == found["disabledReason"]
        progress = await seller.tenant.get(f"{ENDPOINTS}/{hook['id']}/progress")
        assert ("disabled", 1) == (progress["status"], progress["pending"])

    async def test_is_sent_what_waited_once_it_is_enabled_again(self, seller: Merchant, there: Receiver) -> None:
        there.answers = [410]
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        await invoice(seller, await seller.customer(card=None))

        async def disabled() -> dict[str, Any] | None:
            found: dict[str, Any] = await seller.tenant.get(f"{ENDPOINTS}/{hook['id']}")
            return None if found["isEnabled"] else found

        found = await until(disabled, what="the endpoint to be disabled")
        headers = {**seller.tenant.headers, "If-Match": f'"{found["revision"]}"'}
        terms = {"url": there.url, "types": ["billing.invoice.finalized"]}

        enabled = await seller.tenant.http.put(f"{ENDPOINTS}/{hook['id']}", json=terms, headers=headers)
        [delivery, *_] = (await seller.tenant.get(DELIVERIES, endpointId=hook["id"]))["items"]
        await seller.post(f"{DELIVERIES}/{delivery['id']}/retry", status=202)

        assert enabled.status_code == 200, enabled.text
        await received(there, 1)

    async def test_is_signed_with_both_secrets_after_a_rotation(self, seller: Merchant, there: Receiver) -> None:
        hook = await endpoint(seller, there)
        rotated = await seller.post(f"{ENDPOINTS}/{hook['id']}/rotate-secret", {"overlapHours": 1})

        await seller.post(f"{ENDPOINTS}/{hook['id']}/test", status=202)

        [event] = await received(there, 1)
        [(headers, body)] = there.taken
        assert hook["secret"] != rotated["secret"]
        assert all(Webhook(secret).verify(body, headers) for secret in (hook["secret"], rotated["secret"]))
        assert "com.harborgrid.billing.webhook.tested.v1" == event["type"]
        await seller.post(f"{ENDPOINTS}/{hook['id']}/rotate-secret", {"overlapHours": 0})
        await seller.post(f"{ENDPOINTS}/{hook['id']}/test", status=202)
        await received(there, 2)
        assert 1 == len(there.taken[1][0]["webhook-signature"].split())

    async def test_is_sent_once_more_what_was_sent_in_a_time(self, seller: Merchant, there: Receiver) -> None:
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        since = (utc_now() - timedelta(minutes=1)).isoformat()
        customer = await seller.customer(card=None)
        for _ in range(3):
            await invoice(seller, customer)
        first = await received(there, 3)
        await logged(seller, hook, "delivered")

        told = await seller.post(f"{ENDPOINTS}/{hook['id']}/replay", {"since": since}, status=202)

        again = await received(there, 6)
        assert 3 == told["queued"]
        assert sorted(each["id"] for each in first) == sorted(each["id"] for each in again[3:])

    async def test_that_is_removed_is_sent_nothing_more(self, seller: Merchant, there: Receiver, stack: Stack) -> None:
        hook = await endpoint(seller, there, "billing.invoice.finalized")
        await invoice(seller, await seller.customer(card=None))
        await received(there, 1)

        removed = await seller.tenant.http.delete(f"{ENDPOINTS}/{hook['id']}", headers=seller.tenant.headers)

        async def ended() -> bool:
            status = await stack.container.starter.status(f"{seller.tenant.id}/billing/webhook_endpoint/{hook['id']}")
            return status is not None and status.name == "COMPLETED"

        await until(ended, what="the endpoint's process to end")
        await invoice(seller, await seller.customer(card=None))
        gone = await seller.tenant.http.get(f"{ENDPOINTS}/{hook['id']}", headers=seller.tenant.headers)
        assert (204, 404) == (removed.status_code, gone.status_code)
        assert 1 == len((await seller.tenant.get(DELIVERIES, endpointId=hook["id"]))["items"])

    async def test_has_to_be_outside_and_on_tls_unless_told_otherwise(self, stack: Stack) -> None:
        sender = HttpWebhookSender(
            Outside(private=False), stack.container.events, WebhookSecrets(b"root"), private=False
        )

        assert not sender.is_sendable("http://initrode.example/hook")
        assert sender.is_sendable("https://initrode.example/hook")
