"""Keys are rotated, and everything at rest comes under the new one: counted, not believed."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, running_stack, serving, until

from adapters.container import open_container
from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.security.keyring import PostgresKeyRing
from adapters.security.master_keys import master_keys
from adapters.security.reencryption import SEALED, PostgresReencryptor
from adapters.temporal.embedded import EmbeddedTemporal
from domain.security import data_keys
from domain.security.commands import FollowReencryption
from domain.security.envelope import NONCE_BYTES, key_id_of
from domain.security.errors import MasterKeyUnavailable
from domain.security.ids import ReencryptionId, SigningKeyId
from worker.main import worker_of

REENCRYPTIONS, ROTATE = "/v1/security/reencryptions", "/v1/security/data-keys/rotate"


@pytest.fixture(scope="module")
async def stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A platform of its own: its platform key and its master key are rotated."""
    async with running_stack(postgres, temporal, tmp_path_factory.mktemp("rotations")) as opened:
        yield opened


LONG_AGO = timedelta(minutes=2)
"""By then every process has noticed a key."""


async def completed(stack: Stack, id_: str) -> dict[str, Any]:
    async def done() -> dict[str, Any] | None:
        answer = await stack.http.get(f"{REENCRYPTIONS}/{id_}/progress", headers=stack.operator)
        told: dict[str, Any] = answer.json()["data"]
        return told if told["completed"] else None

    state: dict[str, Any] = await until(done, what="the re-encryption")
    return state


async def fill(stack: Stack, number: int) -> dict[str, bytes]:
    """So many sealed things of the platform's, and what is in them."""
    cipher = await stack.container.keys.cipher("platform")
    made: dict[str, bytes] = {}
    for _ in range(number):
        key_id, plain = new_id(SigningKeyId), os.urandom(40)
        made[key_id] = plain
        sealed = cipher.seal(plain, nonce=os.urandom(NONCE_BYTES), context=key_id.encode())
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "INSERT INTO platform.security_signing_key (id, algorithm, public, sealed, created_at, signs_from, "
                "revoked_at) VALUES ($1, 'EdDSA', '{}', $2, now(), now(), now())",
                key_id,
                sealed,
            )
    return made


async def sealed(stack: Stack) -> dict[str, bytes]:
    async with stack.container.database.connection() as connection:
        rows = await connection.fetch("SELECT id, sealed FROM platform.security_signing_key")
    return {row["id"]: row["sealed"] for row in rows}


class TestRotation:
    async def test_of_a_tenants_key_takes_its_secrets_along(self, stack: Stack, tenant: Tenant) -> None:
        key = await tenant.http.post("/v1/security/exchange-keys", json={"name": "a"}, headers=tenant.headers)
        [before] = [each for each in await tenant.get("/v1/security/data-keys") if each["retiredAt"] is None]

        fresh, wrapped = await stack.container.keys.fresh(tenant.id)
        begun = await stack.container.security(
            None,
            lambda uow: data_keys.rotate(uow, fresh, wrapped, id=new_id(ReencryptionId), now=utc_now() - LONG_AGO),
        )
        state = await completed(stack, begun.id)

        assert (1, 0) == (state["done"], state["left"])
        keys = {each["id"]: each for each in await tenant.get("/v1/security/data-keys")}
        assert keys[before["id"]]["retiredAt"]
        assert keys[before["id"]]["emptiedAt"]
        assert keys[fresh.id]["retiredAt"] is None
        async with stack.container.database.connection() as connection:
            now = await connection.fetchval(
                "SELECT sealed FROM platform.security_exchange_key WHERE id = $1", key.json()["data"]["id"]
            )
        assert fresh.id == key_id_of(now)
        [listed] = (await tenant.get(REENCRYPTIONS))["items"]
        assert (1, 1) == (listed["total"], listed["done"])
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records", limit=20))["items"]]
        assert {"security.rotate_data_key", "security.reencrypt", "security.complete_reencryption"} <= set(actions)

    async def test_is_one_at_a_time(self, stack: Stack) -> None:
        neighbour = await stack.tenant(organisation="The Hasty")
        await neighbour.http.post(ROTATE, headers=neighbour.headers)
        active = [each["id"] for each in await neighbour.get("/v1/security/data-keys") if not each["retiredAt"]]

        again = await neighbour.http.post(ROTATE, headers=neighbour.headers)

        assert (409, "security.reencryption_under_way") == (again.status_code, again.json()["error"]["code"])
        assert active == [each["id"] for each in await neighbour.get("/v1/security/data-keys") if not each["retiredAt"]]

    async def test_is_not_done_before_every_process_has_noticed(self, stack: Stack, tenant: Tenant) -> None:
        activities = {each.__name__: each for each in stack.container.activities()}
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "INSERT INTO platform.security_reencryption VALUES ($1, NULL, 'data_key', $2, now(), NULL, 0, 0)",
                (id_ := new_id(ReencryptionId)),
                (await stack.container.keys.active("platform"))[0],
            )
        cmd = FollowReencryption(reencryption_id=id_)

        early = await activities["complete_reencryption"](cmd)
        later = await stack.container.security(
            None, lambda uow: data_keys.complete(uow, cmd, now=utc_now() + timedelta(minutes=2))
        )

        assert [False, True] == [early.completed, later.completed]

    async def test_of_the_platforms_key_goes_on_where_it_stopped(self, stack: Stack) -> None:
        made = await fill(stack, 450)
        fresh, wrapped = await stack.container.keys.fresh("platform")
        id_ = new_id(ReencryptionId)
        reencryptor = PostgresReencryptor(
            stack.container.database, stack.container.keys, stack.container.masters, batches=1
        )
        # Not announced, so that the worker leaves it to this test.
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_data_key SET retired_at = now() WHERE tenant_id = 'platform'"
            )
            await connection.execute(
                "INSERT INTO platform.security_data_key (id, tenant_id, wrapped, created_at, master_key_id) "
                "VALUES ($1, 'platform', $2, now(), $3)",
                fresh.id,
                wrapped,
                fresh.master_key_id,
            )
            await connection.execute(
                "INSERT INTO platform.security_reencryption VALUES ($1, NULL, 'data_key', $2, now(), NULL, 0, 450)",
                id_,
                fresh.id,
            )
        cmd = FollowReencryption(reencryption_id=id_)
        beats: list[int] = []

        states = [await reencryptor.step(cmd, heartbeat=beats.append) for _ in range(4)]

        everything = len(await sealed(stack))
        assert [200, 400, everything, everything] == [state.done for state in states]
        assert [everything - 200, everything - 400, 0, 0] == [state.left for state in states]
        assert beats == [state.done for state in states]
        cipher = await stack.container.keys.cipher("platform")
        kept = await sealed(stack)
        assert {fresh.id} == {key_id_of(each) for each in kept.values()}
        assert made == {each: cipher.unseal(kept[each], context=each.encode()) for each in made}

    async def test_of_the_master_key_rewraps_every_data_key(self, stack: Stack, tenant: Tenant) -> None:
        path = stack.settings.master_key_path
        with path.open("a") as file:
            file.write(base64.b64encode(os.urandom(32)).decode() + "\n")
        # Processes that were started since, on a queue that those before do not read.
        settings = stack.settings.model_copy(update={"task_queue": f"{stack.settings.task_queue}-restarted"})
        async with (
            open_container(settings, process="restarted", lazy=False) as restarted,
            worker_of(restarted),
            serving(restarted) as url,
            httpx.AsyncClient(base_url=url, headers=stack.operator) as http,
        ):
            newest = restarted.masters.master_key_id
            begun = await restarted.security(
                None,
                lambda uow: data_keys.rewrap(uow, newest, id=new_id(ReencryptionId), now=utc_now() - LONG_AGO),
            )
            answers = [await http.post(REENCRYPTIONS, json={"what": "master_key"}) for _ in range(2)]
            state = await completed(stack, begun.id)

        assert [(201, begun.id)] * 2 == [(each.status_code, each.json()["data"]["id"]) for each in answers]
        assert begun.total == state["done"] > 1
        before = await stack.container.keys.key((await stack.container.keys.active(tenant.id))[0])
        # The key before is not needed any more.
        path.write_text(path.read_text().splitlines()[-1] + "\n")
        fresh = PostgresKeyRing(stack.container.database, master_keys(stack.settings))
        [active] = [each for each in await tenant.get("/v1/security/data-keys") if each["retiredAt"] is None]
        assert newest == active["masterKeyId"]
        assert before == await fresh.key(active["id"])

    async def test_under_a_master_key_that_a_worker_does_not_have_waits_for_its_restart(self, stack: Stack) -> None:
        begun = await stack.container.security(
            None, lambda uow: data_keys.rewrap(uow, "file/another", id=new_id(ReencryptionId), now=utc_now())
        )
        cmd = FollowReencryption(reencryption_id=begun.id)

        with pytest.raises(MasterKeyUnavailable, match="restart"):
            await stack.container.reencryptor.step(cmd, heartbeat=lambda done: None)

    async def test_is_for_the_operator_where_no_tenant_owns_it(self, stack: Stack, tenant: Tenant) -> None:
        answer = await stack.http.post(REENCRYPTIONS, json={"what": "platform"}, headers=tenant.headers)

        assert (403, "security.operators_only") == (answer.status_code, answer.json()["error"]["code"])


class TestSealedTables:
    async def test_are_all_known(self, stack: Stack) -> None:
        async with stack.container.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT table_name FROM information_schema.columns "
                "WHERE table_schema = 'platform' AND column_name = 'sealed'"
            )

        assert {row["table_name"] for row in rows} == {table.name for table in SEALED}
