"""Client libraries that are not ours, and a browser, complete every flow against the running server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from applications import CALLBACK, DEVICE, decided, on_its_own, registered
from browsers import needs_a_browser
from conftest import Stack, Tenant
from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, InvalidGrantError
from people import PASSWORD, House, Person, new_house, signed_in
from playwright.async_api import Browser, Page, expect
from requests_oauthlib import OAuth2Session


@pytest.fixture(autouse=True)
def on_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries want TLS, which a server in front of ours has."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Lighthouse")


@pytest.fixture(scope="module")
async def house(stack: Stack, tenant: Tenant) -> House:
    return await new_house(stack, tenant)


@pytest.fixture(scope="module")
async def person(stack: Stack, house: House) -> Person:
    return await signed_in(stack.http, house.owner)


@pytest.fixture(scope="module")
async def server(stack: Stack) -> dict[str, Any]:
    """What the server says of itself."""
    told: dict[str, Any] = (await stack.http.get("/.well-known/openid-configuration")).json()
    return told


async def run(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """The libraries wait without letting others work."""
    return await asyncio.to_thread(call, *given, **named)


class TestRequestsOauthlib:
    async def test_gets_tokens_for_a_code_refreshes_and_revokes_them(
        self, stack: Stack, tenant: Tenant, person: Person, server: dict[str, Any]
    ) -> None:
        application = await registered(tenant)
        client = OAuth2Session(application.id, redirect_uri=CALLBACK, scope=["openid", "profile", "read"], pkce="S256")
        address, _ = client.authorization_url(server["authorization_endpoint"])
        answer = await decided(stack.http, person, urlsplit(address).query)
        back = answer.json()["data"]["redirectTo"]

        told = await run(
            client.fetch_token,
            server["token_endpoint"],
            authorization_response=back,
            client_secret=application.secret,
        )
        who = await run(client.get, server["userinfo_endpoint"])
        fresh = await run(client.refresh_token, server["token_endpoint"], auth=application.auth)

        assert {"openid", "profile", "read"} == set(told["scope"])
        assert {"sub": person.id, "name": "Katherine Johnson"} == who.json()
        assert fresh["refresh_token"] != told["refresh_token"]
        with pytest.raises(InvalidGrantError):
            await run(
                client.refresh_token,
                server["token_endpoint"],
                refresh_token=told["refresh_token"],
                auth=application.auth,
            )
        assert 401 == (await run(client.get, server["userinfo_endpoint"])).status_code

    async def test_gets_a_token_with_client_credentials(self, tenant: Tenant, server: dict[str, Any]) -> None:
        program = await on_its_own(tenant)
        client = OAuth2Session(client=BackendApplicationClient(program.id, scope=["read"]))

        told = await run(client.fetch_token, server["token_endpoint"], client_secret=program.secret)

        assert ["read"] == told["scope"]
        assert 200 == (await run(client.get, f"{server['issuer']}/v1/security/me")).status_code

    async def test_gets_tokens_on_a_device(
        self, stack: Stack, tenant: Tenant, person: Person, server: dict[str, Any]
    ) -> None:
        device = await registered(
            tenant,
            grantTypes=[DEVICE],
            redirectUris=[],
            tokenEndpointAuthMethod="none",
        )
        asked = await stack.http.post(server["device_authorization_endpoint"], data={"client_id": device.id})
        body = {"userCode": asked.json()["user_code"]}
        await stack.http.post("/v1/security/devices/decide", json=body, headers=person.headers)
        client = OAuth2Session(client=DeviceClient(device.id))

        told = await run(
            client.fetch_token,
            server["token_endpoint"],
            device_code=asked.json()["device_code"],
            include_client_id=True,
        )

        assert "Bearer" == told["token_type"]


@needs_a_browser
class TestPage:
    @pytest.fixture
    async def page(self, browser: Browser) -> AsyncIterator[Page]:
        """A page of a real browser."""
        opened = await browser.new_page()
        yield opened
        await opened.close()

    async def sign_in(self, page: Page, house: House) -> None:
        await page.fill("#email", house.owner)
        await page.fill("#password", PASSWORD)
        await page.click("#go")

    async def test_lets_somebody_sign_in_and_allow_it(
        self, tenant: Tenant, house: House, page: Page, server: dict[str, Any]
    ) -> None:
        application = await registered(tenant, name="Tide Tables")
        client = OAuth2Session(application.id, redirect_uri=CALLBACK, scope=["openid", "read"], pkce="S256")
        address, state = client.authorization_url(server["authorization_endpoint"])
        await page.route("https://reports.example/**", lambda route: route.fulfill(body="back"))

        await page.goto(address)
        await expect(page.locator("#title")).to_have_text("Sign in to The Lighthouse")
        await self.sign_in(page, house)
        await expect(page.locator("#title")).to_have_text("Tide Tables")
        assert ["know who you are", "see what you can see"] == await page.locator("#scopes li").all_inner_texts()
        await page.click("#allow")
        await page.wait_for_url("https://reports.example/**")

        told = await run(
            client.fetch_token,
            server["token_endpoint"],
            authorization_response=page.url,
            client_secret=application.secret,
        )
        assert [state] == parse_qs(urlsplit(page.url).query)["state"]
        assert "id_token" in told

    async def test_lets_somebody_connect_a_device(
        self, stack: Stack, tenant: Tenant, house: House, page: Page, server: dict[str, Any]
    ) -> None:
        device = await registered(
            tenant,
            grantTypes=[DEVICE],
            redirectUris=[],
            tokenEndpointAuthMethod="none",
        )
        asked = (await stack.http.post(server["device_authorization_endpoint"], data={"client_id": device.id})).json()

        await page.goto(asked["verification_uri_complete"])
        await self.sign_in(page, house)
        await page.click("#allow")

        await expect(page.locator("#title")).to_have_text("The device is connected")
        form = {"grant_type": DEVICE, "device_code": asked["device_code"], "client_id": device.id}
        assert 200 == (await stack.http.post(server["token_endpoint"], data=form)).status_code

    async def test_says_so_when_a_password_is_wrong(self, tenant: Tenant, page: Page, server: dict[str, Any]) -> None:
        application = await registered(tenant)
        client = OAuth2Session(application.id, redirect_uri=CALLBACK, scope=["read"], pkce="S256")

        await page.goto(client.authorization_url(server["authorization_endpoint"])[0])
        await page.fill("#email", "nobody@lighthouse.example")
        await page.fill("#password", "a guess")
        await page.click("#go")

        await expect(page.locator("#status.refused")).to_contain_text("do not belong together")
