"""Single fields are encrypted, opened and masked over REST; a rotation leaves them readable."""

from __future__ import annotations

from typing import Any

import httpx
from conftest import Stack, Tenant

FIELDS = "/v1/security/fields"
CARD = {"value": "4242 4242 4242 4242", "purpose": "billing.card"}


async def ask(tenant: Tenant, what: str, *fields: dict[str, Any], key: str = "") -> httpx.Response:
    headers = {"X-API-Key": key} if key else tenant.headers
    return await tenant.http.post(f"{FIELDS}/{what}", json={"fields": list(fields)}, headers=headers)


async def encrypted(tenant: Tenant, *fields: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await ask(tenant, "encrypt", *fields)
    assert answer.status_code == 200, answer.text
    made: list[dict[str, Any]] = answer.json()["data"]
    return made


async def key_of(tenant: Tenant, scope: str) -> str:
    body = {"label": scope, "scopes": [scope]}
    answer = await tenant.http.post("/v1/security/api-keys", json=body, headers=tenant.headers)
    return str(answer.json()["data"]["secret"])


class TestFields:
    async def test_open_for_their_tenant_alone(self, tenant: Tenant, neighbour: Tenant) -> None:
        [made] = await encrypted(tenant, CARD)
        sealed = {"ciphertext": made["ciphertext"], "purpose": CARD["purpose"]}

        mine, theirs = await ask(tenant, "decrypt", sealed), await ask(neighbour, "decrypt", sealed)

        assert [CARD["value"]] == mine.json()["data"]
        assert "no-store" == mine.headers["cache-control"]
        assert (404, "security.data_key_not_found") == (theirs.status_code, theirs.json()["error"]["code"])
        assert "4242" not in made["ciphertext"]

    async def test_come_under_the_new_key_after_a_rotation(self, tenant: Tenant) -> None:
        [before] = await encrypted(tenant, CARD)
        rotated = await tenant.http.post("/v1/security/data-keys/rotate", headers=tenant.headers)
        assert rotated.status_code == 201, rotated.text
        sealed = {"ciphertext": before["ciphertext"], "purpose": CARD["purpose"]}

        [after] = (await ask(tenant, "rewrap", sealed)).json()["data"]

        assert after != before["ciphertext"]
        assert [[CARD["value"]]] * 2 == [
            (await ask(tenant, "decrypt", {**sealed, "ciphertext": each})).json()["data"]
            for each in (after, before["ciphertext"])
        ]
        assert before["index"] == (await encrypted(tenant, CARD))[0]["index"]

    async def test_are_opened_together_or_not_at_all_and_it_is_audited(self, tenant: Tenant) -> None:
        made = await encrypted(tenant, CARD, {"value": "DE89", "purpose": "billing.iban"})
        both = [
            {"ciphertext": each["ciphertext"], "purpose": purpose}
            for each, purpose in zip(made, ("billing.card", "billing.iban"), strict=True)
        ]

        good = await ask(tenant, "decrypt", *both)
        bad = await ask(tenant, "decrypt", both[0], {**both[1], "purpose": "billing.other"})

        assert [CARD["value"], "DE89"] == good.json()["data"]
        assert (422, "security.undecipherable") == (bad.status_code, bad.json()["error"]["code"])
        records = (await tenant.get("/v1/security/audit-records", action="security.decrypt_fields"))["items"]
        assert {"purposes": ["billing.card", "billing.iban"], "fields": 2} in [each["details"] for each in records]

    async def test_are_closed_by_writers_and_opened_by_administrators(self, stack: Stack, tenant: Tenant) -> None:
        writer, reader = await key_of(tenant, "write"), await key_of(tenant, "read")
        [made] = await encrypted(tenant, CARD)
        sealed = {"ciphertext": made["ciphertext"], "purpose": CARD["purpose"]}
        shown = {"value": CARD["value"], "kind": "card"}

        answers = {
            "reader encrypts": await ask(tenant, "encrypt", CARD, key=reader),
            "writer encrypts": await ask(tenant, "encrypt", CARD, key=writer),
            "writer decrypts": await ask(tenant, "decrypt", sealed, key=writer),
            "reader masks": await ask(tenant, "mask", shown, key=reader),
        }

        assert {"reader encrypts": 403, "writer encrypts": 200, "writer decrypts": 403, "reader masks": 200} == {
            what: answer.status_code for what, answer in answers.items()
        }
        assert ["424242••••••4242"] == answers["reader masks"].json()["data"]

    async def test_that_are_no_fields_are_refused(self, tenant: Tenant) -> None:
        refused = [
            await ask(tenant, "encrypt"),
            await ask(tenant, "encrypt", *[CARD] * 101),
            await ask(tenant, "encrypt", {**CARD, "purpose": "Not One"}),
            await ask(tenant, "encrypt", {**CARD, "value": "x" * 9000}),
            await ask(tenant, "mask", {"value": "x", "kind": "shoe size"}),
        ]

        assert [422] * 5 == [answer.status_code for answer in refused]
