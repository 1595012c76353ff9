"""A tenant's policies decide from the next request on, and nobody locks themselves out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, serving, until

from adapters.container import open_container
from domain.security.policies import MOST

POLICIES = "/v1/security/policies"
NO_RENAMING = 'forbid (principal, action == HarborGrid::Action::"analytics.rename_dashboard", resource);'
NO_POLICIES = 'forbid (principal, action == HarborGrid::Action::"security.put_policy", resource);'

Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
async def shared(stack: Stack) -> Tenant:
    """The tenant of this file."""
    return await stack.tenant()


@pytest.fixture
async def tenant(stack: Stack, shared: Tenant) -> AsyncIterator[Tenant]:
    """The same, without policies when a test begins."""
    yield shared
    async with stack.container.database.connection() as connection:
        await connection.execute("DELETE FROM platform.security_policy WHERE tenant_id = $1", shared.id)
    stack.container.revocations.tell(shared.id)


@pytest.fixture
async def rename(tenant: Tenant) -> Call:
    """Tries to rename the tenant's dashboard."""
    [dashboard] = (await tenant.get("/v1/analytics/dashboards"))["items"]

    async def attempt(headers: dict[str, str] | None = None) -> httpx.Response:
        path = f"/v1/analytics/dashboards/{dashboard['id']}"
        # An ETag that never matches: what is of interest is whether anyone asks for it.
        headers = {**tenant.headers, **(headers or {}), "If-Match": '"999"'}
        return await tenant.http.patch(path, json={"title": "Mine"}, headers=headers)

    return attempt


async def write(tenant: Tenant, text: str, **changes: Any) -> httpx.Response:
    body = {"name": "a policy", "text": text, **changes}
    return await tenant.http.post(POLICIES, json=body, headers=tenant.headers)


async def make(tenant: Tenant, text: str, **changes: Any) -> dict[str, Any]:
    answer = await write(tenant, text, **changes)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


class TestPolicy:
    async def test_decides_from_the_next_request_on_until_it_is_deleted(self, tenant: Tenant, rename: Call) -> None:
        for _ in range(5):
            before = await rename()
            policy = await make(tenant, NO_RENAMING)
            during = await rename()
            gone = await tenant.http.delete(f"{POLICIES}/{policy['id']}", headers={**tenant.headers, "If-Match": '"1"'})
            after = await rename()

            assert (412, 403, 200, 412) == tuple(a.status_code for a in (before, during, gone, after))
            assert "security.policy_forbids" == code(during)
            assert [policy["id"]] == during.json()["error"]["details"]["policies"]

    async def test_decides_in_other_processes_as_soon_as_they_hear_of_it(self, stack: Stack, tenant: Tenant) -> None:
        async with (
            open_container(stack.settings, process="another") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url, headers=tenant.headers) as elsewhere,
        ):
            before = await elsewhere.get("/v1/analytics/event-counts")
            told = asyncio.Event()
            container.revocations.on_change(lambda about: told.set() if about == tenant.id else None)
            await make(
                tenant, 'forbid (principal, action == HarborGrid::Action::"analytics.read_event_counts", resource);'
            )
            await asyncio.wait_for(told.wait(), 5)
            after = await elsewhere.get("/v1/analytics/event-counts")

        assert (200, 403) == (before.status_code, after.status_code)

    async def test_is_nothing_to_other_tenants(self, tenant: Tenant, neighbour: Tenant, rename: Call) -> None:
        await make(tenant, 'forbid (principal, action, resource) unless { principal in HarborGrid::Role::"admin" };')

        answer = await neighbour.http.get("/v1/analytics/dashboards", headers=neighbour.headers)

        assert 200 == answer.status_code

    async def test_may_give_a_key_what_its_scope_does_not(self, tenant: Tenant, rename: Call) -> None:
        made = await tenant.http.post(
            "/v1/security/api-keys", json={"label": "reader", "scopes": ["read"]}, headers=tenant.headers
        )
        reader = {"X-API-Key": made.json()["data"]["secret"]}
        before = await rename(reader)
        await make(
            tenant,
            f'permit (principal == HarborGrid::ApiKey::"{made.json()["data"]["id"]}", '
            'action == HarborGrid::Action::"analytics.rename_dashboard", resource);',
        )
        after = await rename(reader)

        assert (403, 412) == (before.status_code, after.status_code)
        assert "security.scope_missing" == code(before)

    async def test_that_is_disabled_decides_nothing(self, tenant: Tenant, rename: Call) -> None:
        policy = await make(tenant, NO_RENAMING, enabled=False)
        before = await rename()
        body = {"name": "on", "text": NO_RENAMING, "enabled": True}
        path, headers = f"{POLICIES}/{policy['id']}", {**tenant.headers, "If-Match": '"1"'}
        await tenant.http.put(path, json=body, headers=headers)
        after = await rename()
        again = await tenant.http.put(path, json=body, headers=headers)

        assert (412, 403, 412) == (before.status_code, after.status_code, again.status_code)
        assert "kernel.precondition_failed" == code(again)

    async def test_is_kept_in_every_revision_with_who_made_it(self, tenant: Tenant) -> None:
        policy = await make(tenant, NO_RENAMING)
        path = f"{POLICIES}/{policy['id']}"
        replaced = await tenant.http.put(
            path, json={"name": "b", "text": NO_RENAMING}, headers={**tenant.headers, "If-Match": '"1"'}
        )
        await tenant.http.delete(path, headers={**tenant.headers, "If-Match": replaced.headers["ETag"]})

        revisions = await tenant.get(f"{path}/revisions")
        gone = await tenant.http.get(path, headers=tenant.headers)
        trail = (await tenant.get("/v1/security/audit-records"))["items"]

        assert [(3, True), (2, False), (1, False)] == [(r["revision"], r["deleted"]) for r in revisions]
        assert {"api_key"} == {revision["actorKind"] for revision in revisions}
        assert "security.policy_not_found" == code(gone)
        assert ["security.delete_policy", "security.put_policy", "security.put_policy"] == [
            record["action"] for record in trail if record["resource"] == policy["id"]
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("permit (", "security.policy_invalid"),
            ("permit (principal, action, resource) when { principal.nope };", "security.policy_invalid"),
            ("permit (principal, action, resource) when { " + "(" * 3000 + "};", "security.policy_invalid"),
            ("x" * 10_001, "kernel.invalid"),
            (NO_POLICIES, "security.policy_locks_out"),
            ("forbid (principal, action, resource);", "security.policy_locks_out"),
        ],
        ids=["no Cedar", "no such attribute", "abyss", "too long", "locks out", "locks everyone out"],
    )
    async def test_is_refused_before_it_decides_anything(
        self, tenant: Tenant, rename: Call, text: str, expected: str
    ) -> None:
        answer = await write(tenant, text)

        assert expected == code(answer)
        assert answer.json()["error"]["details"]["hint"]
        assert 412 == (await rename()).status_code

    async def test_of_the_operator_may_lock_out_and_let_in_again(self, stack: Stack, tenant: Tenant) -> None:
        made = await stack.http.post(
            f"{POLICIES}?tenantId={tenant.id}", json={"name": "a", "text": NO_POLICIES}, headers=stack.operator
        )
        locked = await write(tenant, NO_RENAMING)
        path = f"{POLICIES}/{made.json()['data']['id']}?tenantId={tenant.id}"
        await stack.http.delete(path, headers={**stack.operator, "If-Match": '"1"'})
        let_in = await write(tenant, NO_RENAMING)

        assert (201, 403, 201) == (made.status_code, locked.status_code, let_in.status_code)

    async def test_is_one_of_so_many_at_most(self, stack: Stack, tenant: Tenant) -> None:
        assert stack.container.owner is not None
        await stack.container.owner.run(
            None,
            lambda session: session.sql.execute(
                "INSERT INTO security_policy SELECT 'pol_' || substr($1, 5, 23) || lpad(n::text, 3, '0'), $1, 'n', '', "
                "'permit (principal, action, resource) when { false };', false, 1, now(), now() "
                "FROM generate_series(1, $2) AS n",
                tenant.id,
                MOST,
            ),
        )

        assert "security.too_many_policies" == code(await write(tenant, NO_RENAMING))


class TestPlan:
    async def test_without_policies_says_which_plans_have_them(self, stack: Stack) -> None:
        free = await stack.tenant(planCode="free")

        answer = await write(free, NO_RENAMING)

        assert 402 == answer.status_code
        assert "security.upgrade_required" == code(answer)
        assert ["pro", "enterprise"] == answer.json()["error"]["details"]["plans"]

    async def test_counts_as_soon_as_it_changes(self, stack: Stack) -> None:
        tenant = await stack.tenant(planCode="free")
        before = await write(tenant, NO_RENAMING)
        await stack.container.database.run(
            None,
            lambda session: session.sql.execute(
                "UPDATE billing_platform_subscription SET plan_code = 'pro' WHERE tenant_id = $1", tenant.id
            ),
        )

        async def upgraded() -> bool:
            return (await write(tenant, NO_RENAMING)).status_code == 201

        await until(upgraded, what="the upgrade", seconds=5)

        assert 402 == before.status_code

    async def test_lets_policies_be_deleted_that_it_would_not_let_be_written(self, stack: Stack) -> None:
        tenant = await stack.tenant(planCode="pro")
        policy = await make(tenant, NO_RENAMING)
        await stack.container.database.run(
            None,
            lambda session: session.sql.execute(
                "UPDATE billing_platform_subscription SET plan_code = 'free' WHERE tenant_id = $1", tenant.id
            ),
        )

        answer = await tenant.http.delete(f"{POLICIES}/{policy['id']}", headers={**tenant.headers, "If-Match": '"1"'})

        assert 200 == answer.status_code


class TestDenial:
    @pytest.fixture
    async def tenant(self, stack: Stack) -> Tenant:
        """One that nobody was denied anything in."""
        return await stack.tenant()

    async def test_is_announced_and_audited_once_however_often_it_is_repeated(
        self, tenant: Tenant, rename: Call
    ) -> None:
        policy = await make(tenant, NO_RENAMING)
        for _ in range(3):
            await rename()

        events = await tenant.get("/v1/bus/events", type="security.permission.denied")
        trail = await tenant.get("/v1/security/audit-records")

        [event] = events["items"]
        assert policy["id"] == event["data"]["policyId"]
        [record] = [record for record in trail["items"] if record["outcome"] == "denied"]
        assert "analytics.rename_dashboard" == record["action"] == event["data"]["action"]


class TestCheck:
    async def test_says_why(self, tenant: Tenant) -> None:
        question = {"action": "analytics.rename_dashboard", "resource": "dsh_1"}

        async def ask(**more: Any) -> Any:
            answer = await tenant.http.post("/v1/security/check", json={**question, **more}, headers=tenant.headers)
            return answer.json()["data"]

        before = await ask()
        policy = await make(tenant, f'{NO_RENAMING[:-1]} when {{ context has country && context.country != "NO" }};')
        at_home, abroad = await ask(circumstances={"country": "NO"}), await ask(circumstances={"country": "SE"})

        assert [{"policy": "platform.write", "statement": None}] == before["because"]
        assert [True, True, False] == [answer["allowed"] for answer in (before, at_home, abroad)]
        assert [{"policy": policy["id"], "statement": 0}] == abroad["because"]
        assert "security.policy_forbids" == abroad["code"]

    async def test_answers_for_other_keys_of_the_tenant_only(self, tenant: Tenant, neighbour: Tenant) -> None:
        made = await tenant.http.post("/v1/security/api-keys", json={"label": "r"}, headers=tenant.headers)
        question = {"action": "security.create_api_key", "principal": made.json()["data"]["id"]}

        async def ask(headers: dict[str, str]) -> httpx.Response:
            return await tenant.http.post("/v1/security/check", json=question, headers=headers)

        ours, theirs = await ask(tenant.headers), await ask(neighbour.headers)
        own = await ask({"X-API-Key": made.json()["data"]["secret"]})
        await tenant.http.post(f"/v1/security/api-keys/{question['principal']}/revoke", json={}, headers=tenant.headers)
        revoked = await ask(tenant.headers)

        assert ("security.scope_missing", "admin") == (
            ours.json()["data"]["code"],
            ours.json()["data"]["requiredScope"],
        )
        assert "security.api_key_not_found" == code(theirs)
        assert not own.json()["data"]["allowed"]
        assert "kernel.unauthenticated" == revoked.json()["data"]["code"]

    async def test_takes_many_questions_and_keeps_their_order(self, tenant: Tenant) -> None:
        actions = ["analytics.read_dashboards", "security.list_tenants", "billing.read_platform_plans"] * 300
        answer = await tenant.http.post(
            "/v1/security/check/batch",
            json={"checks": [{"action": action} for action in actions]},
            headers=tenant.headers,
        )

        assert actions == [view["action"] for view in answer.json()["data"]]
        assert [True, False, True] * 300 == [view["allowed"] for view in answer.json()["data"]]

    async def test_knows_no_other_actions(self, tenant: Tenant) -> None:
        answer = await tenant.http.post(
            "/v1/security/check", json={"action": "analytics.explode"}, headers=tenant.headers
        )

        assert (422, "security.permission_unknown") == (answer.status_code, code(answer))


class TestTrial:
    async def test_shows_what_would_have_been_decided_otherwise_and_changes_nothing(
        self, tenant: Tenant, rename: Call
    ) -> None:
        policy = await make(tenant, NO_RENAMING)
        await rename()

        answer = await tenant.http.post(
            "/v1/security/policy-trials",
            json={"text": 'forbid (principal, action == HarborGrid::Action::"billing.read_platform_plans", resource);',
                  "replaces": policy["id"], "checks": [{"action": "billing.read_platform_plans"}]},
            headers=tenant.headers,
        )  # fmt: skip

        changes = {
            change["before"]["action"]: (change["before"]["allowed"], change["after"]["allowed"])
            for change in answer.json()["data"]["changes"]
        }
        assert {"billing.read_platform_plans": (True, False), "analytics.rename_dashboard": (False, True)} == changes
        assert 403 == (await rename()).status_code

    async def test_refuses_what_a_policy_could_not_be(self, tenant: Tenant) -> None:
        answer = await tenant.http.post("/v1/security/policy-trials", json={"text": "permit ("}, headers=tenant.headers)

        assert "security.policy_invalid" == code(answer)


class TestPermissions:
    async def test_come_with_the_schema_that_policies_must_fit(self, tenant: Tenant) -> None:
        told = await tenant.get("/v1/security/permissions")

        [rename] = [item for item in told["items"] if item["name"] == "analytics.rename_dashboard"]
        assert ("write", "Dashboard", None) == (rename["scope"], rename["on"], rename["feature"])
        assert 'action "analytics.rename_dashboard" in [write]' in told["cedarSchema"]
