"""People sign in with a passkey of a real browser's authenticator, and nobody does with anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from applications import registered, request_of
from browsers import needs_a_browser
from conftest import Stack, Tenant
from people import PASSWORD, House, Person, new_member, signed_in
from playwright.async_api import Browser, Page, expect

from adapters.kernel.clock import utc_now
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import UserId
from domain.security.ids import SessionId
from domain.security.passkeys import RelyingParty
from domain.security.people import EndReason, Role
from domain.security.sign_in import still_in

PASSKEYS, SIGN_INS = "/v1/security/passkeys", "/v1/security/passkey-sign-ins"
CREATE = """async (options) => (await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
GET = """async (options) => (await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""
NONSENSE: tuple[Any, ...] = ("", "AAAA", "e30", "gA", "oA", 7, None)


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Keepers")


@dataclass
class Device:
    """A browser with an authenticator that sees its user."""

    page: Page
    stack: Stack

    async def made(self, owner: Person, password: str = PASSWORD) -> dict[str, Any]:
        """A new passkey, as it is sent."""
        begun = await self.stack.http.post(f"{PASSKEYS}/begin", json={"password": password}, headers=owner.headers)
        data = begun.json()["data"]
        credential = await self.page.evaluate(CREATE, data["options"])
        return {"challengeId": data["challengeId"], "name": "a phone", "credential": credential}

    async def added(self, owner: Person) -> str:
        """A passkey that this owner signs in with; its id."""
        answer = await self.stack.http.post(PASSKEYS, json=await self.made(owner), headers=owner.headers)
        assert answer.status_code == 201, answer.text
        found: str = answer.json()["data"]["id"]
        return found

    async def signed(self) -> dict[str, Any]:
        """A challenge that the device has signed, as it is sent."""
        data = (await self.stack.http.post(f"{SIGN_INS}/begin")).json()["data"]
        return {"challengeId": data["challengeId"], "credential": await self.page.evaluate(GET, data["options"])}


@pytest.fixture
async def device(stack: Stack, browser: Browser) -> AsyncIterator[Device]:
    page = await browser.new_page()
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await page.goto(stack.url.replace("127.0.0.1", "localhost") + "/account")
    yield Device(page, stack)
    await page.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def sign_in(stack: Stack, sent: dict[str, Any]) -> httpx.Response:
    return await stack.http.post(SIGN_INS, json=sent)


@needs_a_browser
class TestPasskey:
    async def test_is_all_that_a_sign_in_needs_and_counts_as_two_factors(
        self, stack: Stack, owner: Person, device: Device
    ) -> None:
        await device.added(owner)

        answer = await sign_in(stack, await device.signed())
        token = answer.json()["data"]["token"]
        me = (await stack.http.get("/v1/security/me", headers={"Authorization": f"Bearer {token}"})).json()["data"]

        assert (201, owner.id, True) == (answer.status_code, me["id"], me["mfa"])
        [listed] = (await stack.http.get(PASSKEYS, headers=owner.headers)).json()["data"]
        assert ("a phone", True) == (listed["name"], listed["lastUsedAt"] is not None)

    async def test_opens_the_page_where_applications_are_let_in(
        self, stack: Stack, tenant: Tenant, owner: Person, device: Device
    ) -> None:
        await device.added(owner)
        application = await registered(tenant, name="Tide Tables")
        here = stack.url.replace("127.0.0.1", "localhost")
        await device.page.route("https://reports.example/**", lambda route: route.fulfill(body="back"))

        await device.page.goto(f"{here}/v1/security/authorize?{request_of(application)}")
        await device.page.click("#passkey")
        await expect(device.page.locator("#title")).to_have_text("Tide Tables")
        await device.page.click("#allow")
        await device.page.wait_for_url("https://reports.example/**")

        assert "code=hgc_" in device.page.url

    async def test_answers_a_challenge_once(self, stack: Stack, owner: Person, device: Device) -> None:
        await device.added(owner)
        sent = await device.signed()
        another = (await stack.http.post(f"{SIGN_INS}/begin")).json()["data"]["challengeId"]

        answers = [await sign_in(stack, sent), await sign_in(stack, sent)]
        replayed = await sign_in(stack, {**sent, "challengeId": another})

        assert 201 == answers[0].status_code
        assert (400, "security.passkey_challenge_unknown") == code(answers[1])
        assert (401, "security.passkey_refused") == code(replayed)

    async def test_that_somebody_has_copied_is_refused_and_its_holders_tenant_told(
        self, stack: Stack, house: House, owner: Person, device: Device
    ) -> None:
        await device.added(owner)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_passkey SET sign_count = 1000 WHERE user_id = $1", owner.id
            )

        answer = await sign_in(stack, await device.signed())

        assert (401, "security.passkey_refused") == code(answer)
        [failure] = await house.events("security.login.failure")
        assert "wrong_credential" == failure["data"]["refusal"]

    async def test_that_was_removed_opens_nothing(self, stack: Stack, owner: Person, device: Device) -> None:
        passkey = await device.added(owner)
        path = f"{PASSKEYS}/{passkey}/remove"

        refused = await stack.http.post(path, json={"password": "a guess"}, headers=owner.headers)
        removed = await stack.http.post(path, json={"password": PASSWORD}, headers=owner.headers)

        assert (403, "security.password_wrong") == code(refused)
        assert (200, []) == (removed.status_code, removed.json()["data"])
        assert (401, "security.passkey_refused") == code(await sign_in(stack, await device.signed()))
        assert (404, "security.passkey_not_found") == code(
            await stack.http.post(path, json={"password": PASSWORD}, headers=owner.headers)
        )

    async def test_is_added_by_who_began_and_proved_who_they_are(
        self, stack: Stack, tenant: Tenant, house: House, owner: Person, device: Device
    ) -> None:
        address = f"other.{house.owner}"
        await new_member(stack, tenant, address, Role.MEMBER)
        other = await signed_in(stack.http, address)
        sent = await device.made(owner)

        stolen = await stack.http.post(PASSKEYS, json=sent, headers=other.headers)
        guessed = await stack.http.post(f"{PASSKEYS}/begin", json={"password": "a guess"}, headers=owner.headers)

        assert (400, "security.passkey_challenge_unknown") == code(stolen)
        assert (403, "security.password_wrong") == code(guessed)


@needs_a_browser
class TestTampering:
    async def test_with_an_answer_has_a_named_error(self, stack: Stack, owner: Person, device: Device) -> None:
        await device.added(owner)
        sent = await device.signed()
        genuine = sent["credential"]["response"]
        answers = []
        for part in ("clientDataJSON", "authenticatorData", "signature"):
            for value in NONSENSE:
                challenge = (await stack.http.post(f"{SIGN_INS}/begin")).json()["data"]["challengeId"]
                credential = {**sent["credential"], "response": {**genuine, part: value}}
                answers.append(await sign_in(stack, {"challengeId": challenge, "credential": credential}))

        assert {(401, "security.passkey_refused")} == {code(answer) for answer in answers}

    async def test_with_a_new_passkey_has_a_named_error(self, stack: Stack, owner: Person, device: Device) -> None:
        sent = await device.made(owner)
        answers = []
        for value in NONSENSE:
            response = {**sent["credential"]["response"], "attestationObject": value}
            body = {**sent, "credential": {**sent["credential"], "response": response}}
            answers.append(await stack.http.post(PASSKEYS, json=body, headers=owner.headers))

        assert {(401, "security.passkey_refused")} == {code(answer) for answer in answers}
        assert 201 == (await stack.http.post(PASSKEYS, json=sent, headers=owner.headers)).status_code

    async def test_with_a_session_that_has_ended_adds_nothing(
        self, stack: Stack, owner: Person, device: Device
    ) -> None:
        sent = await device.made(owner)
        user, session = UserId(owner.id), SessionId(owner.session_id)
        await stack.container.security(
            None, lambda uow: uow.sessions.end(session, at=utc_now(), reason=EndReason.REVOKED)
        )

        with pytest.raises(Unauthenticated):
            await stack.container.security(None, lambda uow: still_in(uow, user, session, now=utc_now()))
        assert 401 == (await stack.http.post(PASSKEYS, json=sent, headers=owner.headers)).status_code


class TestBadInput:
    @pytest.mark.parametrize(
        "credential",
        [
            {},
            {"id": 7},
            {"id": "ö"},
            {"id": "dGlkZXM", "rawId": "dGlkZXM", "type": "public-key", "response": {}},
            {"id": "dGlkZXM", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": ""}},
            {"id": "x" * 30_000},
            {"id": "dGlkZXM", "response": []},
        ],
    )
    async def test_has_a_named_error(self, stack: Stack, owner: Person, credential: dict[str, Any]) -> None:
        signing_in = (await stack.http.post(f"{SIGN_INS}/begin")).json()["data"]["challengeId"]
        begun = await stack.http.post(f"{PASSKEYS}/begin", json={"password": PASSWORD}, headers=owner.headers)
        adding = begun.json()["data"]["challengeId"]

        answers = [
            await sign_in(stack, {"challengeId": signing_in, "credential": credential}),
            await stack.http.post(
                PASSKEYS, json={"challengeId": adding, "credential": credential}, headers=owner.headers
            ),
        ]

        assert [(401, "security.passkey_refused")] * 2 == [code(answer) for answer in answers]


class TestRelyingParty:
    @pytest.mark.parametrize(
        ("url", "id_", "origin"),
        [
            ("https://harborgrid.example/account", "harborgrid.example", "https://harborgrid.example"),
            ("https://app.harborgrid.example:8443/x", "app.harborgrid.example", "https://app.harborgrid.example:8443"),
            ("http://127.0.0.1:8080/account", "localhost", "http://localhost:8080"),
        ],
    )
    def test_is_where_our_pages_are(self, url: str, id_: str, origin: str) -> None:
        assert RelyingParty(id_, origin) == RelyingParty.at(url)
