"""Outsiders encrypt for a tenant with its public key, and it opens what they send."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant
from joserfc import jwe
from joserfc.jwk import RSAKey

KEYS, MESSAGES = "/v1/security/exchange-keys", "/v1/security/exchange-messages"
ALGORITHMS = ["RSA-OAEP-256", "A256GCM"]


@pytest.fixture
async def key(tenant: Tenant) -> dict[str, Any]:
    answer = await tenant.http.post(KEYS, json={"name": "the auditors"}, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def from_outside(public: dict[str, Any], plain: bytes) -> str:
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": public["kid"]}
    return jwe.encrypt_compact(header, plain, RSAKey.import_key(public), algorithms=ALGORITHMS)


async def opened(tenant: Tenant, message: str) -> httpx.Response:
    return await tenant.http.post(f"{MESSAGES}/decrypt", json={"message": message}, headers=tenant.headers)


class TestExchange:
    async def test_from_outside_opens_for_the_tenant_alone(
        self, tenant: Tenant, neighbour: Tenant, key: dict[str, Any]
    ) -> None:
        message = from_outside(key["public"], b"the plans")

        mine, theirs = await opened(tenant, message), await opened(neighbour, message)

        assert b"the plans" == base64.b64decode(mine.json()["data"]["content"])
        assert key["id"] == mine.json()["data"]["exchangeKeyId"]
        assert (404, "security.exchange_key_not_found") == (theirs.status_code, theirs.json()["error"]["code"])
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key["public"])

    async def test_to_the_outside_opens_there(self, tenant: Tenant) -> None:
        theirs = RSAKey.generate_key(2048)
        body = {"recipient": theirs.as_dict(private=False), "content": base64.b64encode(b"the answer").decode()}

        answer = await tenant.http.post(f"{MESSAGES}/encrypt", json=body, headers=tenant.headers)

        message = answer.json()["data"]["message"]
        assert b"the answer" == jwe.decrypt_compact(message, theirs, algorithms=ALGORITHMS).plaintext

    async def test_survives_a_rotation_of_the_data_key(self, tenant: Tenant, key: dict[str, Any]) -> None:
        await tenant.http.post("/v1/security/data-keys/rotate", headers=tenant.headers)

        assert (await opened(tenant, from_outside(key["public"], b"later"))).status_code == 200

    async def test_is_over_once_the_key_is_revoked(self, stack: Stack, tenant: Tenant, key: dict[str, Any]) -> None:
        message = from_outside(key["public"], b"the plans")

        revoked = [await tenant.http.post(f"{KEYS}/{key['id']}/revoke", headers=tenant.headers) for _ in range(2)]
        late = await opened(tenant, message)

        assert revoked[0].json()["data"]["revokedAt"] == revoked[1].json()["data"]["revokedAt"] is not None
        assert (409, "security.exchange_key_revoked") == (late.status_code, late.json()["error"]["code"])
        async with stack.container.database.connection() as connection:
            kept = await connection.fetchval(
                "SELECT sealed FROM platform.security_exchange_key WHERE id = $1", key["id"]
            )
        assert kept is None
        listed = (await tenant.get(KEYS))["items"]
        assert key["id"] in [each["id"] for each in listed]

    async def test_refuses_what_is_no_message_and_no_key(self, tenant: Tenant) -> None:
        bad = await opened(tenant, "eyJhbGciOiJkaXIifQ....")
        body = {"recipient": {"kty": "oct", "k": "AAAA"}, "content": ""}
        nobody = await tenant.http.post(f"{MESSAGES}/encrypt", json=body, headers=tenant.headers)

        assert "security.exchange_message_invalid" == bad.json()["error"]["code"]
        assert "security.recipient_key_invalid" == nobody.json()["error"]["code"]
