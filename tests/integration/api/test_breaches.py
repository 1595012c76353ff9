"""The clock of a personal data breach: told at once, reminded, and overdue after 72 hours unless it is stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until
from people import House, code

from adapters.kernel.clock import utc_now
from domain.security.breach_model import NOTIFY_WITHIN

BREACHES = "/v1/security/breaches"


@pytest.fixture
async def tenant(stack: Stack) -> Tenant:
    """Each test has its own administrators."""
    return await stack.tenant(organisation="The Breached")


async def report(tenant: Tenant, aware_at: datetime, **changes: Any) -> httpx.Response:
    body = {"title": "A stolen laptop", "awareAt": aware_at.isoformat(), "nature": "It was in a car.", **changes}
    return await tenant.http.post(BREACHES, json=body, headers=tenant.headers)


async def reported(tenant: Tenant, aware_at: datetime, **changes: Any) -> str:
    answer = await report(tenant, aware_at, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def post(tenant: Tenant, breach: str, what: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await tenant.http.post(f"{BREACHES}/{breach}/{what}", json=body or {}, headers=tenant.headers)


async def stands(tenant: Tenant, breach: str, status: str) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        told: dict[str, Any] = await tenant.get(f"{BREACHES}/{breach}/progress")
        return told if told["status"] == status and (told["nextAt"] or status == "closed") else None

    progress: dict[str, Any] = await until(there, what=f"the clock to be {status}")
    return progress


def at(instant: datetime) -> dict[str, str]:
    return {"at": instant.isoformat()}


class TestClock:
    async def test_runs_for_72_hours_and_stops_once_the_authority_was_notified(
        self, stack: Stack, tenant: Tenant, house: House
    ) -> None:
        aware = utc_now() - timedelta(hours=1)
        breach = await reported(tenant, aware, subjects=1200, categories=["contact data"])
        progress = await stands(tenant, breach, "running")
        [listed] = (await tenant.get(BREACHES))["items"]
        early = await post(tenant, breach, "close")

        notice = {"authority": "Datatilsynet", "reference": "26/1", **at(utc_now())}
        notified = await post(tenant, breach, "authority-notified", notice)
        await stands(tenant, breach, "told")
        closed = await post(tenant, breach, "close")

        assert aware + NOTIFY_WITHIN == datetime.fromisoformat(listed["dueAt"])
        assert aware + timedelta(hours=24) == datetime.fromisoformat(progress["nextAt"])
        assert (409, ["authority"]) == (early.status_code, early.json()["error"]["details"]["waiting"])
        assert ("Datatilsynet", None) == (notified.json()["data"]["authority"], notified.json()["data"]["missedAt"])
        assert 200 == closed.status_code
        handle = stack.container.temporal.get_workflow_handle(f"{tenant.id}/security/breach/{breach}")
        assert "closed" == (await handle.result())["status"]
        assert "security.breach_closed" == code(await post(tenant, breach, "assess", {"risk": "high"}))
        [mail] = [each for each in stack.mailbox.mails() if house.owner in each["to"] and "breach" in each["subject"]]
        assert f"{aware + NOTIFY_WITHIN:%Y-%m-%d %H:%M} UTC" in mail["subject"]
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records"))["items"]]
        assert {"security.report_breach", "security.record_breach_notice", "security.close_breach"} <= set(actions)

    @pytest.mark.usefixtures("house")
    async def test_that_ran_out_is_told_and_wants_a_reason(self, tenant: Tenant) -> None:
        aware = utc_now() - NOTIFY_WITHIN + timedelta(seconds=2)
        breach = await reported(tenant, aware)
        await stands(tenant, breach, "overdue")
        [missed] = (await tenant.get("/v1/bus/events", type="security.breach.deadline_missed"))["items"]

        notice = {"authority": "CNIL", **at(utc_now())}
        unexplained = await post(tenant, breach, "authority-notified", notice)
        explained = await post(tenant, breach, "authority-notified", {**notice, "delayReason": "Nobody was there."})

        assert breach == missed["data"]["breachId"]
        assert (422, "security.breach_delay_unexplained") == (unexplained.status_code, code(unexplained))
        assert explained.json()["data"]["missedAt"]
        assert "Nobody was there." == explained.json()["data"]["delayReason"]

    async def test_is_stopped_by_there_being_no_risk(self, tenant: Tenant) -> None:
        breach = await reported(tenant, utc_now())
        await stands(tenant, breach, "running")

        body = {"risk": "unlikely", "measures": "The disk was encrypted."}
        assessed = (await post(tenant, breach, "assess", body)).json()["data"]
        await stands(tenant, breach, "told")

        assert ("unlikely", "The disk was encrypted.", "It was in a car.") == (
            assessed["risk"],
            assessed["measures"],
            assessed["nature"],
        )
        assert 200 == (await post(tenant, breach, "close")).status_code

    async def test_of_a_high_risk_goes_on_until_people_were_told(self, tenant: Tenant) -> None:
        breach = await reported(tenant, utc_now(), risk="high")
        await post(tenant, breach, "authority-notified", {"authority": "ICO", **at(utc_now())})
        early = await post(tenant, breach, "close")

        told = await post(tenant, breach, "subjects-told", at(utc_now()))

        assert ["subjects"] == early.json()["error"]["details"]["waiting"]
        assert told.json()["data"]["subjectsToldAt"]
        assert 200 == (await post(tenant, breach, "close")).status_code

    async def test_takes_no_instants_that_cannot_be(self, tenant: Tenant) -> None:
        now = utc_now()
        for aware in (now + timedelta(minutes=5), now - timedelta(days=400)):
            assert "security.breach_instant_invalid" == code(await report(tenant, aware))
        breach = await reported(tenant, now)
        for when in (now - timedelta(hours=1), now + timedelta(hours=1)):
            notice = {"authority": "ICO", **at(when)}
            assert "security.breach_instant_invalid" == code(await post(tenant, breach, "authority-notified", notice))
            assert "security.breach_instant_invalid" == code(await post(tenant, breach, "subjects-told", at(when)))

    async def test_is_nobody_elses(self, tenant: Tenant, neighbour: Tenant) -> None:
        breach = await reported(tenant, utc_now())

        assert 404 == (await post(neighbour, breach, "close")).status_code
        assert [] == [each for each in (await neighbour.get(BREACHES))["items"] if each["id"] == breach]
