"""Who gets in: API keys, their secrets, scopes and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, serving, until
from prometheus_client import REGISTRY

from adapters.container import open_container

KEYS = "/v1/security/api-keys"
CURRENT = f"{KEYS}/current"
CHALLENGE = 'ApiKey realm="harborgrid", Bearer realm="harborgrid"'

MakeKey = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def make_key(tenant: Tenant) -> MakeKey:
    """Makes a key of the tenant; its id and secret."""

    async def make(*scopes: str, **changes: Any) -> dict[str, Any]:
        body = {"label": "a key", "scopes": list(scopes) or ["read"], **changes}
        answer = await tenant.http.post(KEYS, json=body, headers=tenant.headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["data"]
        return made

    return make


async def whoami(http: httpx.AsyncClient, secret: str) -> httpx.Response:
    return await http.get(CURRENT, headers={"X-API-Key": secret})


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


class TestCaller:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-API-Key": ""},
            {"X-API-Key": "nonsense"},
            {"X-API-Key": "hgk_"},
            {"X-API-Key": "hgk__"},
            {"X-API-Key": "hgk_01h455vb4pex5vsknk084sn02q_"},
            {"X-API-Key": "hgk_01h455vb4pex5vsknk084sn02q_" + "A" * 43},
            {"X-API-Key": "hgk_01h455vb4pex5vsknk084sn02q_" + "A" * 20_000},
            {"X-API-Key": b"hgk_01h455vb4pex5vsknk084sn02q_\xff\xfe"},
            {"X-API-Key": b"\xe9\xe8"},
            {"Authorization": "Bearer nonsense"},
        ],
        ids=[
            *("none", "empty", "nonsense", "prefix", "separators", "no secret", "unknown", "long", "binary", "accents"),
            "another scheme",
        ],
    )
    async def test_without_a_valid_key_is_told_what_is_missing(self, stack: Stack, headers: Any) -> None:
        answer = await stack.http.get(CURRENT, headers=headers)

        assert answer.status_code == 401
        assert code(answer) == "kernel.unauthenticated"
        assert answer.headers["WWW-Authenticate"] == CHALLENGE

    async def test_with_another_keys_secret_is_nobody(self, tenant: Tenant, neighbour: Tenant) -> None:
        ours, theirs = tenant.api_key.split("_", 2), neighbour.api_key.split("_", 2)
        answer = await whoami(tenant.http, f"hgk_{ours[1]}_{theirs[2]}")

        assert answer.status_code == 401

    async def test_learns_who_it_is(self, tenant: Tenant) -> None:
        data = (await whoami(tenant.http, tenant.api_key)).json()["data"]

        assert (tenant.id, ["admin"]) == (data["tenantId"], data["scopes"])

    async def test_may_be_the_operator(self, stack: Stack) -> None:
        data = (await whoami(stack.http, stack.operator_key)).json()["data"]

        assert (None, ["operator"]) == (data["tenantId"], data["scopes"])

    async def test_with_a_bad_key_is_refused_where_none_is_needed(self, stack: Stack) -> None:
        """A caller who sends a key believes in it; better to say now that it is wrong."""
        answer = await stack.http.get("/livez", headers={"X-API-Key": "nonsense"})

        assert answer.status_code == 401


class TestCrowd:
    async def test_with_one_key_is_looked_up_once_and_again_after_a_change(
        self, stack: Stack, make_key: MakeKey
    ) -> None:
        key = await make_key()
        async with (
            open_container(stack.settings, process="crowd") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as http,
            stack.container.database.pool.acquire() as doorkeeper,
        ):

            async def is_heard() -> bool:
                return container.revocations.is_heard

            async def are_there() -> bool:
                return REGISTRY.get_sample_value("http_requests_in_progress") == len(crowd)

            async def looks() -> int:
                count: int = await stack.container.database.pool.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                    "AND application_name = 'harborgrid-crowd' AND datname = current_database()"
                )
                return count

            await until(is_heard, what="the first listening")
            async with doorkeeper.transaction():
                await doorkeeper.execute("LOCK TABLE platform.security_api_key IN ACCESS EXCLUSIVE MODE")
                crowd = [asyncio.create_task(whoami(http, key["secret"])) for _ in range(10)]
                await until(are_there, what="the crowd")
                await until(looks, what="the look")
                before = await looks()
                container.revocations.tell(key["id"])
                crowd += [asyncio.create_task(whoami(http, key["secret"])) for _ in range(10)]
                await until(are_there, what="the second crowd")
                await until(partial(_is, looks, 2), what="the second look")
            answers = await asyncio.gather(*crowd)

        assert 1 == before
        assert {200} == {answer.status_code for answer in answers}


async def _is(count: Callable[[], Awaitable[int]], expected: int) -> bool:
    return await count() == expected


class TestRevokedKey:
    async def test_is_refused_from_the_next_request_on(self, tenant: Tenant, make_key: MakeKey) -> None:
        for _ in range(10):
            key = await make_key()
            before = await whoami(tenant.http, key["secret"])
            revoked = await tenant.http.post(f"{KEYS}/{key['id']}/revoke", json={}, headers=tenant.headers)
            after = await whoami(tenant.http, key["secret"])

            assert (200, 401) == (before.status_code, after.status_code)
            assert revoked.json()["data"]["status"] == "revoked"

    async def test_is_refused_by_other_processes_as_soon_as_they_hear_of_it(
        self, stack: Stack, tenant: Tenant, make_key: MakeKey
    ) -> None:
        async with (
            open_container(stack.settings, process="another") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as elsewhere,
        ):
            key = await make_key()
            before = await whoami(elsewhere, key["secret"])
            told = asyncio.Event()
            container.revocations.on_change(lambda changed: told.set() if changed == key["id"] else None)
            await tenant.http.post(f"{KEYS}/{key['id']}/revoke", json={}, headers=tenant.headers)
            await asyncio.wait_for(told.wait(), 5)
            after = await whoami(elsewhere, key["secret"])

        assert (200, 401) == (before.status_code, after.status_code)

    async def test_is_heard_of_again_after_the_connection_was_lost(self, stack: Stack) -> None:
        heard: list[str] = []
        async with open_container(stack.settings, process="cut") as container:
            container.revocations.on_change(heard.append)

            async def is_heard() -> bool:
                return container.revocations.is_heard

            await until(is_heard, what="the first listening")
            cut = await stack.container.database.pool.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'harborgrid-cut' AND datname = current_database()"
            )

            async def is_deaf() -> bool:
                return not container.revocations.is_heard

            await until(is_deaf, what="the loss to be noticed")
            await until(is_heard, what="listening again")
            await container.database.pool.execute("SELECT pg_notify('harborgrid_access', 'key_1')")

            async def told() -> bool:
                return bool(heard)

            await until(told, what="the word")

        assert cut >= 1
        assert set(heard) == {"key_1"}

    async def test_is_refused_while_nobody_can_be_told(self, stack: Stack, tenant: Tenant, make_key: MakeKey) -> None:
        async with (
            open_container(stack.settings, process="deaf", serves=False) as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as elsewhere,
        ):
            key = await make_key()
            before = await whoami(elsewhere, key["secret"])
            await tenant.http.post(f"{KEYS}/{key['id']}/revoke", json={}, headers=tenant.headers)
            after = await whoami(elsewhere, key["secret"])

        assert (200, 401) == (before.status_code, after.status_code)

    async def test_may_be_revoked_again(self, tenant: Tenant, make_key: MakeKey) -> None:
        path = f"{KEYS}/{(await make_key())['id']}/revoke"
        first = await tenant.http.post(path, json={"reason": "lost"}, headers=tenant.headers)
        second = await tenant.http.post(path, json={"reason": "lost"}, headers=tenant.headers)

        assert first.json()["data"] == second.json()["data"]

    async def test_is_never_the_one_that_asks(self, tenant: Tenant) -> None:
        key_id = (await whoami(tenant.http, tenant.api_key)).json()["data"]["keyId"]
        answer = await tenant.http.post(f"{KEYS}/{key_id}/revoke", json={}, headers=tenant.headers)

        assert answer.status_code == 403
        assert (await whoami(tenant.http, tenant.api_key)).status_code == 200


class TestExpiredKey:
    async def test_is_refused(self, tenant: Tenant, make_key: MakeKey) -> None:
        key = await make_key(expiresAt="2020-01-01T00:00:00Z")

        assert (await whoami(tenant.http, key["secret"])).status_code == 401

    async def test_worked_until_then(self, tenant: Tenant, make_key: MakeKey) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=1)  # noqa: TID251
        key = await make_key(expiresAt=soon.isoformat())

        async def refused() -> bool:
            return (await whoami(tenant.http, key["secret"])).status_code == 401

        assert (await whoami(tenant.http, key["secret"])).status_code == 200
        await until(refused, seconds=4, what="the end of the key")


class TestFirstKey:
    async def test_has_no_secret_until_it_is_revealed_once(self, stack: Stack) -> None:
        accepted = await stack.onboard()
        await stack.finished(accepted["id"])
        query = {"tenantId": accepted["tenantId"]}
        [key] = (await stack.http.get(KEYS, params=query, headers=stack.operator)).json()["data"]["items"]

        first = await stack.http.post(f"{KEYS}/{key['id']}/reveal", headers=stack.operator)
        second = await stack.http.post(f"{KEYS}/{key['id']}/reveal", headers=stack.operator)

        assert (key["status"], key["scopes"]) == ("unclaimed", ["admin"])
        assert (await whoami(stack.http, first.json()["data"]["secret"])).status_code == 200
        assert second.status_code == 409
        assert code(second) == "security.api_key_already_claimed"

    async def test_is_not_opened_by_guessing_while_unclaimed(self, stack: Stack) -> None:
        accepted = await stack.onboard()
        await stack.finished(accepted["id"])
        query = {"tenantId": accepted["tenantId"]}
        [key] = (await stack.http.get(KEYS, params=query, headers=stack.operator)).json()["data"]["items"]
        answer = await whoami(stack.http, f"hgk_{key['id'].removeprefix('key_')}_")

        assert answer.status_code == 401


class TestSecret:
    async def test_is_shown_in_no_list(self, tenant: Tenant, make_key: MakeKey) -> None:
        key = await make_key()
        keys = await tenant.http.get(KEYS, headers=tenant.headers)
        audit = await tenant.http.get("/v1/security/audit-records", headers=tenant.headers)
        events = await tenant.http.get("/v1/bus/events", headers=tenant.headers)

        for answer in (keys, audit, events):
            assert key["id"] in answer.text
            assert key["secret"].rpartition("_")[2] not in answer.text


class TestScope:
    @pytest.fixture
    async def tenant(self, stack: Stack) -> Tenant:
        """One whose things nobody has changed."""
        return await stack.tenant()

    """read < write < admin < operator."""

    @pytest.mark.parametrize(
        ("scope", "allowed"),
        [("read", [200, 403, 403, 403]), ("write", [200, 200, 403, 403]), ("admin", [200, 200, 201, 403])],
    )
    async def test_allows_what_those_below_it_do(
        self, tenant: Tenant, make_key: MakeKey, scope: str, allowed: list[int]
    ) -> None:
        headers = {"X-API-Key": (await make_key(scope))["secret"]}
        dashboard = (await tenant.get("/v1/analytics/dashboards"))["items"][0]["id"]
        path = f"/v1/analytics/dashboards/{dashboard}"
        answers = [
            await tenant.http.get(path, headers=headers),
            await tenant.http.patch(path, json={"title": "New"}, headers={**headers, "If-Match": '"1"'}),
            await tenant.http.post(KEYS, json={"label": "more"}, headers=headers),
            await tenant.http.get("/v1/security/tenants", headers=headers),
        ]

        refusals = [code(answer) for answer in answers if answer.status_code == 403]
        assert allowed == [answer.status_code for answer in answers]
        assert refusals == [*["security.scope_missing"] * (len(refusals) - 1), "security.operators_only"]

    async def test_of_an_operator_cannot_be_given_by_a_tenant(self, tenant: Tenant) -> None:
        body = {"label": "crown", "scopes": ["admin", "operator"]}
        answer = await tenant.http.post(KEYS, json=body, headers=tenant.headers)

        assert answer.status_code == 403
        assert code(answer) == "security.scope_missing"

    async def test_that_is_missing_is_named(self, tenant: Tenant, make_key: MakeKey) -> None:
        headers = {"X-API-Key": (await make_key("read"))["secret"]}
        answer = await tenant.http.post("/v1/security/data-keys/rotate", headers=headers)

        assert answer.json()["error"]["details"]["scope"] == "admin"


class TestOperator:
    @pytest.mark.parametrize("path", ["/v1/analytics/dashboards", "/v1/notifications/deliveries"])
    async def test_must_name_the_tenant_of_what_only_tenants_have(
        self, stack: Stack, tenant: Tenant, path: str
    ) -> None:
        nobodys = await stack.http.get(path, headers=stack.operator)
        theirs = await stack.http.get(path, params={"tenantId": tenant.id}, headers=stack.operator)

        assert code(nobodys) == "security.tenant_required"
        assert len(theirs.json()["data"]["items"]) == 1

    @pytest.mark.parametrize(
        "path", ["/v1/analytics/dashboards", "/v1/bus/events", "/v1/billing/platform-subscriptions"]
    )
    async def test_is_told_that_there_is_no_such_tenant(self, stack: Stack, path: str) -> None:
        query = {"tenantId": "ten_01h455vb4pex5vsknk084sn02q"}
        answer = await stack.http.get(path, params=query, headers=stack.operator)

        assert answer.status_code == 404
        assert code(answer) == "security.tenant_not_found"

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/billing/platform-subscriptions",
            "/v1/security/api-keys",
            "/v1/bus/events",
            "/v1/security/audit-records",
        ],
    )
    async def test_still_reads_what_a_deprovisioned_tenant_left(self, stack: Stack, path: str) -> None:
        accepted = await stack.onboard(ownerEmail="nobody@refused.example")
        view = await stack.finished(accepted["id"])
        query = {"tenantId": accepted["tenantId"]}
        answer = await stack.http.get(path, params=query, headers=stack.operator)

        assert view["status"] == "compensated"
        assert answer.status_code == 200
        assert answer.json()["data"]["items"]

    async def test_is_told_that_a_tenant_has_nothing_of_its_own_left(self, stack: Stack) -> None:
        accepted = await stack.onboard(ownerEmail="nobody@refused.example")
        await stack.finished(accepted["id"])
        query = {"tenantId": accepted["tenantId"]}
        answer = await stack.http.get("/v1/analytics/dashboards", params=query, headers=stack.operator)

        assert answer.status_code == 409
        assert code(answer) == "security.tenant_deprovisioned"

    async def test_cannot_be_named_by_a_tenant_to_see_another(self, tenant: Tenant, neighbour: Tenant) -> None:
        events = await tenant.get("/v1/bus/events", tenantId=neighbour.id)

        assert {tenant.id} == {event["tenantId"] for event in events["items"]}
