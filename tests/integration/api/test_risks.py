"""The risk register: entered, decided about by whom it takes, lived with for a while, and fed by scans."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from people import House, code

from adapters.kernel.clock import new_id, utc_now
from domain.security.ids import RiskId
from domain.security.risk_commands import FollowRisk
from domain.security.risk_model import DECIDE_WITHIN, RiskLevel
from domain.security.risks import enter_vulnerabilities, settle
from domain.security.vulnerabilities import Component, Vulnerability

RISKS, SCANS, SBOM = "/v1/security/risks", "/v1/security/dependency-scans", "/v1/security/sbom"


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Each test has its own risks."""
    return await stack.tenant(organisation="The Risky")


async def entered(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    body = {"title": "A shared key", "likelihood": 3, "impact": 4, **changes}
    answer = await tenant.http.post(RISKS, json=body, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    risk: dict[str, Any] = answer.json()["data"]
    return risk


async def post(tenant: Tenant, risk: str, step: str, body: Any = None, headers: Any = None) -> httpx.Response:
    return await tenant.http.post(f"{RISKS}/{risk}/{step}", json=body or {}, headers=headers or tenant.headers)


def plan(treatment: str = "mitigate", **changes: Any) -> dict[str, Any]:
    return {
        "treatment": treatment,
        "plan": "Each team gets a key.",
        "assignee": "Ada",
        "treatBy": (utc_now() + timedelta(days=30)).isoformat(),
        "residualLikelihood": 1,
        "residualImpact": 4,
        **changes,
    }


async def stands(stack: Stack, path: str, status: str, headers: Any) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        told: dict[str, Any] = (await stack.http.get(f"{path}/progress", headers=headers)).json()["data"]
        return told if told["status"] == status and (told["nextAt"] or status == "closed") else None

    progress: dict[str, Any] = await until(there, what=f"the process to be {status}")
    return progress


async def settled(stack: Stack, risk: str, *, after: timedelta) -> Any:
    """What its process would find then."""
    cmd, then = FollowRisk(risk_id=RiskId(risk)), utc_now() + after
    return await stack.container.security(None, lambda uow: settle(uow, cmd, now=then))


class TestTreatment:
    async def test_begins_with_a_deadline_and_ends_when_it_is_done(
        self, stack: Stack, tenant: Tenant, house: House
    ) -> None:
        risk = await entered(tenant)
        path = f"{RISKS}/{risk['id']}"
        progress = await stands(stack, path, "open", tenant.headers)

        planned = (await post(tenant, risk["id"], "plan", plan())).json()["data"]
        await stands(stack, path, "planned", tenant.headers)
        closed = (await post(tenant, risk["id"], "close", {"outcome": "Both have keys."})).json()["data"]
        await stands(stack, path, "closed", tenant.headers)

        assert ("high", "the deadline to decide") == (risk["inherentLevel"], progress["next"])
        assert ("planned", "mitigate", "low", "Ada") == tuple(
            planned[name] for name in ("status", "treatment", "residualLevel", "assignee")
        )
        assert "Both have keys." == closed["outcome"]
        assert "security.risk_closed" == code(await post(tenant, risk["id"], "plan", plan()))
        mails = [each for each in stack.mailbox.mails() if house.owner in each["to"]]
        assert any("high risk, decide by" in each["subject"] for each in mails)
        events = (await tenant.get("/v1/bus/events", type="security.risk.changed", limit=200))["items"]
        changes = [each["data"]["change"] for each in events if each["data"]["riskId"] == risk["id"]]
        assert {"planned", "closed"} == set(changes)
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records", limit=200))["items"]]
        assert {"security.add_risk", "security.plan_risk_treatment", "security.close_risk"} <= set(actions)

    async def test_leaves_more_time_for_less(self, tenant: Tenant) -> None:
        for likelihood, impact, level in ((1, 4, "low"), (3, 3, "moderate"), (2, 5, "high"), (5, 5, "critical")):
            risk = await entered(tenant, likelihood=likelihood, impact=impact)
            listed = next(each for each in (await tenant.get(RISKS, limit=200))["items"] if each["id"] == risk["id"])
            identified, due = (datetime.fromisoformat(listed[name]) for name in ("identifiedAt", "dueAt"))

            assert level == risk["inherentLevel"]
            assert due - identified == DECIDE_WITHIN[RiskLevel(level)]

    async def test_that_is_to_live_with_a_high_risk_takes_two(self, stack: Stack, tenant: Tenant) -> None:
        risk = await entered(tenant)
        early = await post(tenant, risk["id"], "approve")
        proposed = (await post(tenant, risk["id"], "plan", plan("accept"))).json()["data"]
        alone = await post(tenant, risk["id"], "approve")
        wanted = {"label": "another's", "scopes": ["admin"]}
        other = await tenant.http.post("/v1/security/api-keys", json=wanted, headers=tenant.headers)
        another = {"X-API-Key": other.json()["data"]["secret"]}

        accepted = (await post(tenant, risk["id"], "approve", headers=another)).json()["data"]

        assert "proposed" == proposed["status"]
        assert ["security.risk_step_not_possible", "security.risk_accepted_by_proposer"] == [code(early), code(alone)]
        assert "accepted" == accepted["status"]
        assert accepted["approvedBy"] != accepted["proposedBy"]
        progress = await stands(stack, f"{RISKS}/{risk['id']}", "accepted", tenant.headers)
        assert "the acceptance ends" == progress["next"]

    async def test_of_a_small_one_takes_one_and_ends_by_itself(self, stack: Stack, tenant: Tenant) -> None:
        risk = await entered(tenant, likelihood=1, impact=4)
        accepted = (await post(tenant, risk["id"], "plan", plan("accept"))).json()["data"]

        before = await settled(stack, risk["id"], after=timedelta(days=29))
        then = await settled(stack, risk["id"], after=timedelta(days=31))

        assert ["accepted", "accepted", "open"] == [accepted["status"], before.status, then.status]
        assert not then.overdue

    async def test_that_nobody_decides_about_is_overdue_once(self, stack: Stack, tenant: Tenant) -> None:
        risk = await entered(tenant, likelihood=5, impact=5)

        states = [await settled(stack, risk["id"], after=timedelta(days=days)) for days in (1, 3, 4)]

        assert [False, True, True] == [state.overdue for state in states]
        overdue = (await tenant.get("/v1/bus/events", type="security.risk.overdue", limit=200))["items"]
        assert 1 == len([each for each in overdue if each["data"]["riskId"] == risk["id"]])

    async def test_is_decided_again_when_it_is_assessed_again(self, tenant: Tenant) -> None:
        risk = await entered(tenant, likelihood=1, impact=4)
        await post(tenant, risk["id"], "plan", plan("accept"))

        assessed = (await post(tenant, risk["id"], "assess", {"likelihood": 5, "impact": 5})).json()["data"]

        assert ("open", None, "critical") == (assessed["status"], assessed["treatment"], assessed["inherentLevel"])

    async def test_takes_no_plan_that_cannot_be(self, tenant: Tenant) -> None:
        risk = (await entered(tenant, likelihood=2, impact=4))["id"]
        past, far = ((utc_now() + timedelta(days=days)).isoformat() for days in (-1, 400))

        answers = [
            await post(tenant, risk, "plan", plan(**change))
            for change in ({"treatBy": past}, {"treatBy": far}, {"residualLikelihood": 3}, {"residualImpact": 5})
        ]

        instant, larger = "security.risk_instant_invalid", "security.risk_reduction_invalid"
        assert [instant, instant, larger, larger] == [code(answer) for answer in answers]


class TestVector:
    async def test_says_how_likely_and_how_bad(self, tenant: Tenant) -> None:
        vector = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"

        risk = await entered(tenant, likelihood=None, impact=None, cvss=vector)
        refused = await tenant.http.post(RISKS, json={"title": "x", "cvss": "AV:N"}, headers=tenant.headers)

        assert (9.3, 5, 5, "critical") == tuple(
            risk[name] for name in ("score", "likelihood", "impact", "inherentLevel")
        )
        assert (422, "security.cvss_vector_invalid") == (refused.status_code, code(refused))


def vulnerability(**changes: Any) -> Vulnerability:
    told: dict[str, Any] = {
        "id": "CVE-2026-1",
        "aliases": (),
        "summary": "It pads left",
        "component": Component(name="leftpad", version="1.0"),
        "fixed_in": "2.0",
        "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "score": 9.8,
        "severity": "critical",
        "likelihood": 5,
        "impact": 5,
    }
    return Vulnerability(**{**told, **changes})


@pytest.fixture
async def register(stack: Stack) -> Any:
    """Enters what a scan has found; the platform's open risks by what the scan knows them by."""

    async def entering(*found: Vulnerability) -> dict[str | None, Any]:
        async def work(uow: Any) -> dict[str | None, Any]:
            await enter_vulnerabilities(uow, found, new_id=lambda: new_id(RiskId), now=utc_now())
            return {each.reference: each for each in await uow.risks.scanned()}

        return await stack.container.security(None, work)

    yield entering
    await entering()


class TestRegister:
    async def test_follows_what_scans_find(self, register: Any) -> None:
        first = await register(vulnerability(), vulnerability(id="CVE-2026-2"))
        again = await register(vulnerability(), vulnerability(id="CVE-2026-2"))
        worse = await register(vulnerability(cvss=None, likelihood=2, impact=2))
        gone = await register()

        one, two = "leftpad/CVE-2026-1", "leftpad/CVE-2026-2"
        assert {one, two} == set(first)
        assert {one: first[one].id, two: first[two].id} == {key: each.id for key, each in again.items()}
        assert {one: (first[one].id, 2, 2)} == {
            key: (each.id, each.likelihood, each.impact) for key, each in worse.items()
        }
        assert {} == gone
        assert "Fixed in 2.0." in first[one].description

    async def test_knows_a_vulnerability_by_its_other_names(self, register: Any) -> None:
        first = await register(vulnerability(id="GHSA-1"))
        renamed = await register(vulnerability(id="CVE-2026-7", aliases=("GHSA-1",), fixed_in=None))

        [before], [after] = first.values(), renamed.values()
        assert (before.id, "leftpad/CVE-2026-7") == (after.id, after.reference)
        assert "No version is known to fix it." in after.description

    async def test_of_the_platform_is_the_operators(self, stack: Stack, tenant: Tenant, register: Any) -> None:
        [risk] = (await register(vulnerability())).values()
        path = f"{RISKS}/{risk.id}"

        seen = await stack.http.get(path, headers=stack.operator)
        ours = await tenant.http.get(path, headers=tenant.headers)

        assert (200, "CVE-2026-1 in leftpad 1.0") == (seen.status_code, seen.json()["data"]["title"])
        assert 404 == ours.status_code
        assert risk.id not in str(await tenant.get(RISKS, limit=200))


class TestScan:
    async def test_finds_what_is_known_of_what_is_installed(self, stack: Stack) -> None:
        folder = stack.settings.advisories_path
        folder.mkdir(parents=True)
        affected = {"package": {"ecosystem": "PyPI", "name": "rfc8785"}, "versions": [version("rfc8785")]}
        record = {
            "id": "GHSA-test",
            "aliases": ["CVE-2026-9"],
            "modified": "2026-11-01T00:00:00Z",
            "summary": "Not for production",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [affected],
        }
        (folder / "GHSA-test.json").write_text(json.dumps(record))

        await scanned(stack, 1)
        [scan] = (await stack.http.get(SCANS, params={"limit": 1}, headers=stack.operator)).json()["data"]["items"]
        [risk] = await open_risks(stack)
        path = f"{RISKS}/{risk['id']}"
        progress = await stands(stack, path, "open", stack.operator)
        sbom = await stack.http.get(SBOM, headers=stack.operator)
        (folder / "GHSA-test.json").unlink()
        await scanned(stack, 0)
        still = await open_risks(stack)
        (folder / "other.json").write_text(json.dumps({**record, "id": "GHSA-other", "affected": []}))
        await scanned(stack, 0)
        await until(lambda: gone(stack), what="the risk to be closed")

        assert (1, str(folder), ["CVE-2026-9"]) == (
            scan["advisories"],
            scan["advisoriesFrom"],
            [each["id"] for each in scan["vulnerabilities"]],
        )
        assert [risk["id"]] == [each["id"] for each in still]
        assert ("critical", "vulnerability", 9.8) == (risk["inherentLevel"], risk["source"], risk["score"])
        assert "the deadline to decide" == progress["next"]
        assert "application/vnd.cyclonedx+json; version=1.6" == sbom.headers["content-type"]
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.text) is None
        told = sbom.json()
        assert {"rfc8785", "temporalio", "duckdb"} <= {each["name"] for each in told["components"]}
        assert "harborgrid" == told["metadata"]["component"]["name"]
        assert [("CVE-2026-9", 9.8)] == [
            (each["id"], float(each["ratings"][0]["score"])) for each in told["vulnerabilities"]
        ]
        handle = stack.container.temporal.get_workflow_handle(f"platform/security/risk/{risk['id']}")
        await handle.signal("changed", "closed")
        assert "closed" == (await handle.result())["status"]

    async def test_is_the_operators(self, tenant: Tenant) -> None:
        for method, path in (("GET", SCANS), ("POST", SCANS), ("GET", SBOM)):
            answer = await tenant.http.request(method, path, headers=tenant.headers)
            assert (403, "security.operators_only") == (answer.status_code, code(answer))


async def scanned(stack: Stack, vulnerabilities: int) -> None:
    """A scan that was asked for is over, and found so many."""
    started = await stack.http.post(SCANS, headers=stack.operator)
    handle = stack.container.temporal.get_workflow_handle(started.json()["data"]["workflowId"])
    assert vulnerabilities == (await handle.result())["vulnerabilities"]


async def open_risks(stack: Stack) -> list[dict[str, Any]]:
    answer = await stack.http.get(RISKS, params={"status": "open", "limit": 200}, headers=stack.operator)
    return [each for each in answer.json()["data"]["items"] if each["tenantId"] is None]


async def gone(stack: Stack) -> bool:
    return not await open_risks(stack)
