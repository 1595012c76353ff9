"""Dunning: what is done about an invoice that could not be collected, on the real processes in simulated time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, until
from paying import Merchant, merchant
from temporalio.testing import TimeSkipper

from domain.billing.dunning_commands import Steer, SteerDunning
from domain.billing.ids import InvoiceId
from domain.kernel.ids import TenantId
from workflows.billing.dunning import DunningWorkflow

CASES = "/v1/billing/dunning-cases"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Dunners")


async def unpaid(
    seller: Merchant, code: str = "insufficient_funds", times: int = 1, **customer: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer whose card is declined so often, and its invoice."""
    buyer = await seller.customer(email=f"{code}-{times}@initech.example", **customer)
    await seller.simulate("declines", paymentMethod=buyer["method"]["token"], code=code, times=times)
    invoice = await seller.final(buyer)
    await seller.payment(invoice, "failed")
    return buyer, invoice


async def case(seller: Merchant, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await seller.tenant.get(f"{CASES}/{invoice['id']}")
    return found


async def stands(seller: Merchant, invoice: dict[str, Any], what: Any) -> dict[str, Any]:
    """The case once that is true of it."""

    async def so() -> dict[str, Any] | None:
        found = await case(seller, invoice)
        return found if what(found) else None

    found: dict[str, Any] = await until(so, what=f"the case: {await case(seller, invoice)}")
    return found


async def later(seller: Merchant, invoice: dict[str, Any], **time: float) -> None:
    """Let the process's time go by."""
    handle = seller.stack.container.starter.handle(f"{seller.tenant.id}/billing/dunning/{invoice['id']}")
    await TimeSkipper(seller.stack.container.temporal).fast_forward(handle, timedelta(**time))


async def until_told(seller: Merchant, invoice: dict[str, Any], template: str) -> None:
    """The customer was told by mail."""
    await stands(
        seller,
        invoice,
        lambda found: any(step["template"] == template and step["status"] == "done" for step in found["steps"]),
    )


def done(case: dict[str, Any]) -> list[str]:
    return [step["template"] or step["action"] for step in case["steps"] if step["status"] == "done"]


def step_of(case: dict[str, Any], action: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        step for step in case["steps"] if step["action"] == action and step["status"] == "waiting"
    )
    return found


class TestDunning:
    async def test_tells_the_customer_and_tries_again_until_it_is_paid(self, stack: Stack, seller: Merchant) -> None:
        buyer, invoice = await unpaid(seller, times=2, locale="de-DE", name="Herr Ohnegeld")
        await until_told(seller, invoice, "payment_failed")
        told = await seller.tenant.get(f"{CASES}/{invoice['id']}/progress")

        await later(seller, invoice, days=2)
        await seller.payment(invoice, "failed", attempt=2)
        await later(seller, invoice, days=2)
        await seller.payment(invoice, "succeeded", attempt=3)

        recovered = await stands(seller, invoice, lambda found: found["status"] == "recovered")
        assert ("retry", "the last attempt failed (soft)") == (told["next"], told["why"])
        assert ["payment_failed", "retry", "retry"] == done(recovered)
        assert "paid" == (await seller.invoice(invoice))["status"]
        [mail] = [mail for mail in stack.mailbox.mails() if buyer["email"] in mail["to"]]
        assert "Ihre Zahlung an Initrode ist fehlgeschlagen" == mail["subject"]

    async def test_after_a_hard_failure_only_reminds_and_then_gives_up(self, seller: Merchant) -> None:
        buyer, invoice = await unpaid(seller, "stolen_card", times=99)
        await until_told(seller, invoice, "payment_failed")

        await later(seller, invoice, days=70)

        exhausted = await stands(seller, invoice, lambda found: found["status"] == "exhausted")
        assert [
            *("payment_failed", "reminder", "last_reminder", "suspend", "suspended", "cancel", "canceled", "write_off")
        ] == done(exhausted)
        assert 1 == len(await seller.payments(invoice))
        assert "uncollectible" == (await seller.invoice(invoice))["status"]
        [ended] = (await seller.tenant.get("/v1/billing/subscriptions", customerId=buyer["id"]))["items"]
        assert ("canceled", f"invoice {invoice['number']} was not paid") == (ended["status"], ended["cancelReason"])
        types = [each["type"] for each in (await seller.tenant.get("/v1/bus/events", subject=invoice["id"]))["items"]]
        assert 8 == types.count("billing.dunning.stepped")
        assert {"billing.dunning.opened", "billing.dunning.closed"} <= set(types)

    async def test_tries_a_new_payment_method_at_once(self, seller: Merchant) -> None:
        buyer, invoice = await unpaid(seller, "expired_card", times=99)
        await until_told(seller, invoice, "payment_failed")

        await seller.add_card(buyer, "pm_card_mastercard")

        await seller.payment(invoice, "succeeded", attempt=2)
        await stands(seller, invoice, lambda found: found["status"] == "recovered")

    async def test_sends_who_has_to_prove_it_there_and_calls_it_off_for_a_new_card(
        self, stack: Stack, seller: Merchant
    ) -> None:
        buyer = await seller.customer("pm_card_authenticationRequired", email="prove@initech.example")
        invoice = await seller.final(buyer)
        waiting = await seller.payment(invoice, "action_required")
        await until_told(seller, invoice, "authenticate")
        [mail] = [mail for mail in stack.mailbox.mails() if "prove@initech.example" in mail["to"]]

        await seller.add_card(buyer, "pm_card_visa")

        await seller.payment(invoice, "succeeded", attempt=2)
        first, second = await seller.payments(invoice)
        ids = {first["id"], second["id"]}
        charged = [each for each in await seller.charges() if each["metadata"].get("harborgrid_payment") in ids]
        message = stack.mailbox.message(mail["name"])
        text = message.get_body("plain") if message else None
        assert text is not None
        assert waiting["actionUrl"] in text.get_content().replace("=\n", "")
        assert ("canceled", 1) == (first["status"], len(charged))

    async def test_ends_when_the_invoice_is_paid_otherwise(self, seller: Merchant) -> None:
        _, invoice = await unpaid(seller, times=99)

        await seller.post(f"/v1/billing/invoices/{invoice['id']}/mark-paid", {"method": "bank_transfer"})

        assert "recovered" == (await case(seller, invoice))["status"]

        async def over() -> bool:
            status = await seller.stack.container.starter.status(f"{seller.tenant.id}/billing/dunning/{invoice['id']}")
            return status is not None and status.name == "COMPLETED"

        await until(over, what="the end of its process")

    async def test_fails_for_another_reason_and_goes_on_with_what_fits(self, seller: Merchant) -> None:
        buyer, invoice = await unpaid(seller, times=1)
        await until_told(seller, invoice, "payment_failed")
        await seller.simulate("declines", paymentMethod=buyer["method"]["token"], code="stolen_card", times=99)

        await later(seller, invoice, days=2)
        await seller.payment(invoice, "failed", attempt=2)
        await stands(seller, invoice, lambda found: found["decline"] == "hard")
        await later(seller, invoice, days=15)

        found = await stands(seller, invoice, lambda found: "suspended" in done(found))
        assert 2 == len(await seller.payments(invoice))
        assert found["suspended"]


class TestSteering:
    async def test_pauses_and_goes_on(self, seller: Merchant) -> None:
        _, invoice = await unpaid(seller, times=99)
        await until_told(seller, invoice, "payment_failed")

        paused = await seller.post(f"{CASES}/{invoice['id']}/pause", {"reason": "promised to pay"})
        await later(seller, invoice, days=9)
        told = await seller.tenant.get(f"{CASES}/{invoice['id']}/progress")
        still = done(await case(seller, invoice))
        await seller.post(f"{CASES}/{invoice['id']}/resume")

        await seller.payment(invoice, "failed", attempt=2)
        assert ("paused", ["payment_failed"]) == (paused["status"], still)
        assert ("resume", "somebody has paused it: promised to pay") == (told["next"], told["why"])

    async def test_skips_brings_forward_and_stops(self, seller: Merchant) -> None:
        _, invoice = await unpaid(seller, times=99)
        await until_told(seller, invoice, "payment_failed")
        first = step_of(await case(seller, invoice), "retry")
        path = f"{CASES}/{invoice['id']}"

        skipped = await seller.post(f"{path}/skip", {"step": first["number"], "reason": "called them"})
        second = step_of(skipped, "retry")
        now = (await seller.tenant.http.get("/v1/billing/invoices", headers=seller.tenant.headers)).json()
        await seller.post(f"{path}/retime", {"step": second["number"], "at": now["metadata"]["timestamp"]})
        await seller.payment(invoice, "failed", attempt=2)
        again = await seller.post(f"{path}/skip", {"step": first["number"], "reason": "again"}, status=409)
        far = {"step": step_of(await case(seller, invoice), "retry")["number"], "at": "2040-01-01T00:00:00Z"}
        too_far = await seller.post(f"{path}/retime", far, status=422)
        stopped = await seller.post(f"{path}/stop", {"reason": "settled"})
        over = await seller.post(f"{path}/pause", {"reason": "too late"}, status=409)

        assert ("stopped", "open") == (stopped["status"], (await seller.invoice(invoice))["status"])
        assert {"billing.dunning_step_not_possible"} == {again["code"], over["code"]}
        assert "billing.dunning_instant_invalid" == too_far["code"]
        records = (await seller.tenant.get("/v1/security/audit-records", limit=200))["items"]
        verbs = [
            record["details"]["verb"]
            for record in records
            if record["resource"] == invoice["id"] and record["action"] == "billing.steer_dunning"
        ]
        assert ["retime", "skip", "stop"] == sorted(verbs)

    async def test_an_operator_does_the_same_from_temporal(self, seller: Merchant) -> None:
        _, invoice = await unpaid(seller, times=99)
        await until_told(seller, invoice, "payment_failed")
        handle = seller.stack.container.starter.handle(f"{seller.tenant.id}/billing/dunning/{invoice['id']}")

        told = await handle.execute_update(
            DunningWorkflow.steer,
            SteerDunning(
                tenant_id=TenantId(seller.tenant.id),
                invoice_id=InvoiceId(invoice["id"]),
                verb=Steer.PAUSE,
                reason="a call",
            ),
        )

        assert ("paused", "paused") == (told.status, (await case(seller, invoice))["status"])

    async def test_waits_for_approval_where_the_policy_says_so(self, stack: Stack) -> None:
        seller = await merchant(stack, "The Careful Dunners")
        policy = {"name": "Careful", "approvalAboveMinor": 0, "steps": [{"action": "cancel", "afterDays": 0}]}
        path = "/v1/billing/dunning-policy"
        read = await seller.tenant.http.get(path, headers=seller.tenant.headers)
        put = await seller.tenant.http.put(path, json=policy, headers={**seller.tenant.headers, "If-Match": '"0"'})
        late = await seller.tenant.http.put(path, json=policy, headers={**seller.tenant.headers, "If-Match": '"0"'})
        buyer, invoice = await unpaid(seller, times=99)

        async def waits() -> Any:
            told = await seller.tenant.get(f"{CASES}/{invoice['id']}/progress")
            return told if told["nextAt"] is None and told["next"] else None

        told = await until(waits, what="the approval")
        await seller.post(f"{CASES}/{invoice['id']}/approve", {"step": told["step"]})

        await stands(seller, invoice, lambda found: found["status"] == "exhausted")
        [ended] = (await seller.tenant.get("/v1/billing/subscriptions", customerId=buyer["id"]))["items"]
        assert ('"0"', 200, 412) == (read.headers["ETag"], put.status_code, late.status_code)
        assert ("cancel", "it waits for approval", "canceled") == (told["next"], told["why"], ended["status"])

    async def test_of_nothing_is_refused(self, seller: Merchant) -> None:
        draft = await seller.draft(await seller.customer(None))

        answer: httpx.Response = await seller.tenant.http.get(f"{CASES}/{draft['id']}", headers=seller.tenant.headers)

        assert (404, "billing.dunning_case_not_found") == (answer.status_code, answer.json()["error"]["code"])
