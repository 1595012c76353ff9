"""Kill -9 of every process, at every step: each onboarding ends whole or leaves no trace.

The platform runs as `harborgrid up` runs it: real processes under the supervisor, which starts again what dies.
Steps are held in the middle by the very advisory locks with which they take turns.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from conftest import STORY, until
from platforms import Platform, Request, hold, running_platform, waits_for
from tills import STEPS, Till, till

from adapters.container import Container, open_container
from adapters.kernel.clock import new_id
from cli.environment import with_embedded
from domain.security.envelope import NONCE_BYTES, key_id_of
from domain.security.ids import SigningKeyId

VICTIMS = ("worker", "api", "postgres", "temporal")
ROUNDS = int(os.environ.get("HARBORGRID_SOAK", "1"))
# The worker, at the first and the last. The soak kills each process at each of all steps.
BOUNDARIES = [
    (after, victim)
    for place, after in enumerate(STORY[:-1])
    for number, victim in enumerate(VICTIMS)
    if ROUNDS > 1 or (number == 0 and place in {0, len(STORY) - 2})
]
UNDONE = ("analytics.dashboard.deleted", "security.tenant.deprovisioned", "billing.subscription.canceled")


@pytest.fixture(scope="module")
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    """What is shot at; its logs stay where a test failed."""
    # Not in pytest's own folder, which another run of pytest closes to the user of PostgreSQL.
    folder = Path(tempfile.mkdtemp(prefix="harborgrid-test-"))
    async with running_platform(folder) as running:
        yield running
    if not request.session.testsfailed:
        shutil.rmtree(folder)


WHOLE = {"subscriptions": 1, "active": 1, "schemas": 2, "roles": 2, "keys": 1, "mails": 1}


class TestOnboardingUnderFire:
    @pytest.mark.parametrize(("after", "victim"), BOUNDARIES)
    async def test_survives_a_kill_at_a_step_boundary(self, platform: Platform, victim: str, after: str) -> None:
        for _ in range(ROUNDS):
            request = await platform.request()
            await until(_told(platform, request, after), what=after)

            old = platform.up.supervisor.pids[victim]
            platform.kill(victim)
            await platform.recovered(victim, old)

            assert "completed" == await platform.ended(request)
            assert STORY == await platform.events(request)
            assert await platform.traces(request) == WHOLE

    @pytest.mark.parametrize("victim", VICTIMS if ROUNDS > 1 else ["postgres", "temporal"])
    async def test_survives_a_kill_in_mid_step(self, platform: Platform, victim: str) -> None:
        for _ in range(ROUNDS):
            requests = []
            old = platform.up.supervisor.pids[victim]
            async with platform.held() as connection:
                for step in range(4):
                    requests.append(await platform.request())
                    await hold(connection, requests[step].gates[step])
                await platform.blocked(connection, 3)
                platform.kill(victim)
            await platform.recovered(victim, old)

            for request in requests:
                assert "completed" == await platform.ended(request)
                assert STORY == await platform.events(request)
                assert await platform.traces(request) == WHOLE

    @pytest.mark.parametrize("victim", VICTIMS if ROUNDS > 1 else ["worker"])
    async def test_leaves_no_trace_when_killed_while_it_is_undone(self, platform: Platform, victim: str) -> None:
        for _ in range(ROUNDS):
            old = platform.up.supervisor.pids[victim]
            async with platform.held() as connection:
                request = await platform.request()
                mail, tenant = request.gates[3], request.gates[1]
                await hold(connection, mail)
                await platform.blocked(connection, 1)
                await hold(connection, tenant)
                await platform.cancel(request)
                await until(_waits_at(connection, tenant), what="the tenant to be about to go")
                platform.kill(victim)
            await platform.recovered(victim, old)

            assert "compensated" == await platform.ended(request)
            assert [
                *STORY[:4],
                "workflow.onboarding.cancel_requested",
                *UNDONE,
                "workflow.onboarding.compensated",
            ] == await platform.events(request)
            assert await platform.traces(request) == {
                "subscriptions": 1,
                "active": 0,
                "schemas": 0,
                "roles": 0,
                "keys": 0,
                "mails": 0,
            }

    async def test_delivers_one_mail_when_the_servers_answer_was_lost(self, platform: Platform) -> None:
        mailbox = platform.up.supervisor.pids["mailbox"]
        os.kill(mailbox, signal.SIGSTOP)
        try:
            request = await platform.request()
            await until(_sending(platform, request), what="the mail to be on its way")
            async with platform.held() as connection:
                await hold(connection, request.gates[3])
                os.kill(mailbox, signal.SIGCONT)
                await platform.blocked(connection, 1)
                old = platform.up.supervisor.pids["worker"]
                platform.kill("worker")
        finally:
            os.kill(mailbox, signal.SIGCONT)
        await platform.recovered("worker", old)

        assert "completed" == await platform.ended(request)
        [mail] = [mail for mail in platform.mailbox.mails() if request.email in mail["to"]]
        assert mail["deliveries"] == 2
        assert await platform.traces(request) == WHOLE

    async def test_keeps_a_request_that_came_while_temporal_was_down(self, platform: Platform) -> None:
        old = platform.up.supervisor.pids["temporal"]
        os.kill(old, signal.SIGSTOP)
        request = await platform.request()
        platform.kill("temporal")
        await platform.recovered("temporal", old)

        assert "completed" == await platform.ended(request)
        assert STORY == await platform.events(request)


# What is shot while how many payments have come how far. The soak has each victim at each step.
SHOTS = [
    (victim, step)
    for victim in (*VICTIMS, "payment-simulator")
    for step in STEPS
    if ROUNDS > 1 or (victim, step) in {("worker", "sent"), ("payment-simulator", "settled")}
]
PROVIDERS = ("stripe", "paypal")
SOLD = 8 if ROUNDS > 1 else 4


class TestCollectionUnderFire:
    @pytest.mark.parametrize(("victim", "step"), SHOTS)
    async def test_charges_refunds_and_counts_everything_once(self, platform: Platform, victim: str, step: str) -> None:
        tills = await asyncio.gather(*(till(platform, provider) for provider in PROVIDERS))

        async def standing() -> int:
            return sum([await each.standing(step) for each in tills])

        async def busy(each: Till) -> None:
            await asyncio.gather(each.sell(SOLD), each.give_back(SOLD // 2), each.use(batches=4, events=25))

        for _ in range(ROUNDS):
            # Half of them are at the provider, and the others somewhere before or after, when the shot is heard.
            for each in tills:
                await each.slowly(1.0, SOLD // 2)
            before, old = await standing(), platform.up.supervisor.pids[victim]
            working = asyncio.gather(*(busy(each) for each in tills))

            async def half_way(least: int = before + SOLD) -> bool:
                return await standing() >= least

            await until(half_way, what=f"half of them to be {step}")
            platform.kill(victim)
            await platform.recovered(victim, old)
            await working
            for each in tills:
                await each.settled()
                await each.audit()


class TestKeyRotationUnderFire:
    async def test_goes_on_where_the_kill_left_it_and_says_done_only_then(self, platform: Platform) -> None:
        settings = with_embedded(platform.up.settings, platform.server)
        async with open_container(settings, process="test") as container:
            plain = await sealed_secrets(container, 450)
            before = await container.keys.cipher("platform")
            old = platform.up.supervisor.pids["worker"]
            async with platform.held() as watcher, platform.held() as connection, connection.transaction():
                held = sorted(plain)[300]
                await connection.execute("SELECT FROM platform.security_signing_key WHERE id = $1 FOR UPDATE", held)
                asked = await platform.ask("POST", "/v1/security/reencryptions", json={"what": "platform"})
                assert asked is not None
                rotation = asked.json()["data"]
                assert asked.status_code == 201, rotation
                await until(waits_for("security_signing_key%FOR UPDATE", watcher), what="the second batch to wait")
                platform.kill("worker")
                keys = [key_id_of(sealed) for sealed in (await kept(watcher)).values()]
                assert 200 == keys.count(rotation["keyId"])
                assert 1 == await connection.fetchval(
                    "SELECT count(*) FROM platform.security_reencryption WHERE completed_at IS NULL"
                )
            await platform.recovered("worker", old)

            async with platform.held() as connection:
                await until(_all_under(connection, rotation["keyId"]), what="everything to be under the new key")
                after = await kept(connection)
            container.keys.rotated("platform")
            cipher = await container.keys.cipher("platform")
            assert rotation["keyId"] == cipher.active != before.active
            assert plain == {id_: cipher.unseal(after[id_], context=id_.encode()) for id_ in plain}


class TestEvidenceCollectionUnderFire:
    async def test_goes_on_with_whom_it_has_not_visited_and_is_complete_only_then(self, platform: Platform) -> None:
        old = platform.up.supervisor.pids["worker"]
        async with platform.held() as watcher, platform.held() as connection, connection.transaction():
            # The platform's own controls ask nothing of this table; those of tenants do.
            await connection.execute("LOCK TABLE platform.security_passkey IN ACCESS EXCLUSIVE MODE")
            asked = await platform.ask("POST", "/v1/security/evidence-collections")
            assert asked is not None
            collection = asked.json()["data"]["id"]
            await until(waits_for("security_passkey", watcher), what="a tenant's visit to wait")
            platform.kill("worker")
            halfway = await watcher.fetchrow(
                "SELECT * FROM platform.security_evidence_collection WHERE id = $1", collection
            )
        assert halfway is not None
        assert (1, None) == (halfway["done"], halfway["completed_at"])
        assert 1 < halfway["scopes"]
        await platform.recovered("worker", old)

        async with platform.held() as connection:
            await until(_is_complete(connection, collection), what="the collection to be complete")
            twice = await connection.fetchval(
                "SELECT count(*) - count(DISTINCT (tenant_id, control_id)) FROM platform.security_evidence "
                "WHERE collection_id = $1",
                collection,
            )
            ended = await connection.fetchrow(
                "SELECT * FROM platform.security_evidence_collection WHERE id = $1", collection
            )
        assert 0 == twice
        assert ended is not None
        assert ended["scopes"] == ended["done"]
        assert ended["evidence"] > halfway["evidence"] > 0


class TestErasureUnderFire:
    async def test_goes_on_with_who_has_no_receipt_and_signs_only_then(self, platform: Platform) -> None:
        old = platform.up.supervisor.pids["worker"]
        async with platform.held() as watcher, platform.held() as connection, connection.transaction():
            tenant = await connection.fetchval(
                "SELECT id FROM platform.security_tenant WHERE status = 'active' LIMIT 1"
            )
            # A stronger lock would give this transaction an id, and no event behind it would be read.
            await connection.execute("LOCK TABLE platform.automation_onboarding IN SHARE MODE")
            body = {"kind": "erasure", "email": "leaver@example.com", "reason": "by letter", "graceDays": 0}
            asked = await platform.ask("POST", f"/v1/security/subject-requests?tenantId={tenant}", json=body)
            assert asked is not None
            request = asked.json()["data"]["id"]
            await until(waits_for("automation_onboarding", watcher), what="the second module to wait")
            platform.kill("worker")
            receipts, certificate = await _erasure(watcher, request)
            assert (["notifications"], None) == (receipts, certificate)
        await platform.recovered("worker", old)

        async with platform.held() as connection:

            async def signed() -> bool:
                return (await _erasure(connection, request))[1] is not None

            await until(signed, what="the certificate")
            receipts, certificate = await _erasure(connection, request)
        assert 11 == len(receipts) == len(set(receipts))
        assert all(f"\n{module}: found" in certificate for module in receipts)


async def _erasure(connection: asyncpg.Connection[Any], request: str) -> tuple[list[str], Any]:
    """Who has given a receipt, and the certificate."""
    rows = await connection.fetch(
        "SELECT module FROM platform.security_subject_receipt WHERE request_id = $1 ORDER BY at", request
    )
    certificate = await connection.fetchval(
        "SELECT certificate FROM platform.security_subject_request WHERE id = $1", request
    )
    return [row["module"] for row in rows], certificate


async def sealed_secrets(container: Container, number: int) -> dict[str, bytes]:
    """So many of the platform's, and what is in them."""
    cipher = await container.keys.cipher("platform")
    plain = {str(new_id(SigningKeyId)): os.urandom(40) for _ in range(number)}
    async with container.database.connection() as connection:
        await connection.executemany(
            "INSERT INTO platform.security_signing_key (id, algorithm, public, sealed, created_at, signs_from, "
            "revoked_at) VALUES ($1, 'EdDSA', '{}', $2, now(), now(), now())",
            [
                (id_, cipher.seal(secret, nonce=os.urandom(NONCE_BYTES), context=id_.encode()))
                for id_, secret in plain.items()
            ],
        )
    return plain


async def kept(connection: asyncpg.Connection[Any]) -> dict[str, bytes]:
    """What is sealed now."""
    return {row["id"]: row["sealed"] for row in await connection.fetch("SELECT * FROM platform.security_signing_key")}


def _is_complete(connection: asyncpg.Connection[Any], collection: str) -> Any:
    async def is_complete() -> bool:
        at = await connection.fetchval(
            "SELECT completed_at FROM platform.security_evidence_collection WHERE id = $1", collection
        )
        return at is not None

    return is_complete


def _all_under(connection: asyncpg.Connection[Any], key_id: str) -> Any:
    async def all_are() -> bool:
        return {key_id} == {key_id_of(sealed) for sealed in (await kept(connection)).values()}

    return all_are


def _told(platform: Platform, request: Request, type_: str) -> Any:
    async def told() -> bool:
        return type_ in await platform.events(request)

    return told


def _sending(platform: Platform, request: Request) -> Any:
    async def sending() -> bool:
        connection = await platform.connect()
        try:
            status = await connection.fetchval(f'SELECT status FROM "{request.tenant}".notifications_delivery')
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return False
        finally:
            await connection.close()
        return bool(status == "sending")

    return sending


def _waits_at(connection: asyncpg.Connection[Any], gate: str) -> Any:
    async def waits() -> bool:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)",
            gate,
        )
        return bool(found)

    return waits
