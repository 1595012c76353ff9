"""What Temporal stores of a tenant: ciphertext, ids and times."""

from __future__ import annotations

import base64
from typing import Any

from conftest import Stack, Tenant, until
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from adapters.temporal.codec import ENCODING, TenantCodec
from domain.kernel.ids import TenantId
from workflows.sagas.onboarding import workflow_id

SECRETS = ("Enigma Works", "Joan Clarke", "joan@enigma.example")


async def _raw_history(stack: Stack, id_: str) -> bytes:
    """Every byte of the history as Temporal has it, without our codec."""
    client = await Client.connect(stack.settings.temporal_address, namespace=stack.settings.temporal_namespace)
    history = await client.get_workflow_handle(id_).fetch_history()
    return b"".join(event.SerializeToString() for event in history.events)


class TestRawHistory:
    async def test_has_no_plaintext_of_the_tenant_and_no_secret(self, stack: Stack) -> None:
        tenant = await stack.tenant(
            organisation="Enigma Works", ownerName="Joan Clarke", ownerEmail="joan@enigma.example"
        )

        raw = await _raw_history(stack, workflow_id(TenantId(tenant.id), tenant.onboarding_id))  # type: ignore[arg-type]

        passwords = [dsn.get_secret_value() for dsn in (stack.settings.postgres_dsn, stack.settings.postgres_owner_dsn)]
        for secret in (*SECRETS, tenant.api_key, *passwords):
            assert secret.encode() not in raw
            assert base64.b64encode(secret.encode()).rstrip(b"=")[:-1] not in raw
        assert ENCODING in raw

    async def test_of_a_failure_has_none_either(self, stack: Stack) -> None:
        accepted = await stack.onboard(organisation="Enigma Works", ownerEmail="nobody@refused.example")
        view = await stack.finished(accepted["id"])

        raw = await _raw_history(stack, accepted["workflowId"])

        assert view["status"] == "compensated"
        for secret in ("Enigma Works", "refused.example", "no such mailbox"):
            assert secret.encode() not in raw


class TestCodec:
    async def test_reads_what_older_keys_encrypted(self, stack: Stack, tenant: Tenant) -> None:
        codec = TenantCodec(stack.container.keys, tenant.id)
        payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"before"')
        [old] = await codec.encode([payload])

        answer = await stack.http.post("/v1/security/data-keys/rotate", headers=tenant.headers)
        [new] = await codec.encode([payload])

        assert answer.status_code == 201
        assert old.metadata["key-id"] != new.metadata["key-id"]
        assert [payload, payload] == await codec.decode([old, new])

    async def test_keeps_tenants_apart(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        payload = Payload(metadata={"encoding": b"json/plain"}, data=b"1")

        [mine] = await TenantCodec(stack.container.keys, tenant.id).encode([payload])
        [theirs] = await TenantCodec(stack.container.keys, neighbour.id).encode([payload])

        assert mine.metadata["key-id"] != theirs.metadata["key-id"]

    async def test_leaves_large_payloads_out_of_history(self, stack: Stack) -> None:
        before = _stored(stack)

        accepted = await stack.onboard(organisation="Small")
        await stack.finished(accepted["id"])
        assert before == _stored(stack)
        client: Any = stack.container.temporal
        await client.start_workflow(
            "unknown.type",
            "x" * (stack.settings.large_payload_bytes * 2),
            id="platform/test/large",
            task_queue="nobody",
        )

        raw = await _raw_history(stack, "platform/test/large")
        await client.get_workflow_handle("platform/test/large").terminate()
        assert len(raw) < 5_000
        assert await until(_grown(stack, before), what="an offloaded payload")


def _stored(stack: Stack) -> int:
    return len(list(stack.settings.objects_path.rglob("*"))) if stack.settings.objects_path.exists() else 0


def _grown(stack: Stack, before: int) -> Any:
    async def grown() -> bool:
        return _stored(stack) > before

    return grown
