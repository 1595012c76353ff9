"""Service accounts come with a certificate: over the API's own TLS, or by the word of a proxy that is trusted."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from applications import new_service_account
from conftest import Stack, Tenant, free_port, serving, until
from cryptography.hazmat.primitives.asymmetric import rsa
from x509s import SERVER, Pair, made

from adapters.container import open_container
from api.app import create_app
from api.server import config_of

CERTIFICATES = "/v1/security/client-certificates"
ME = "/v1/security/me"


AUTHORITY = made("Harbour Authority", authority=True)


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Pilots")


async def register(tenant: Tenant, account: str, pem: str) -> httpx.Response:
    body = {"serviceAccountId": account, "certificate": pem}
    return await tenant.http.post(CERTIFICATES, json=body, headers=tenant.headers)


@asynccontextmanager
async def speaking_tls(stack: Stack, folder: Path) -> AsyncIterator[str]:
    """The API with a certificate of its own, on another port."""
    certificate, key = made("harborgrid", AUTHORITY, usage=SERVER).written(folder, "server")
    authority, _ = AUTHORITY.written(folder, "authority")
    port = free_port()
    settings = stack.settings.model_copy(
        update={
            "api_host": "127.0.0.1",
            "api_port": port,
            "tls_certificate_file": certificate,
            "tls_key_file": key,
            "tls_client_ca_file": authority,
        }
    )
    async with open_container(settings, process="test") as container:
        server = uvicorn.Server(config_of(settings, create_app(container)))
        task = asyncio.create_task(server.serve())

        async def started() -> bool:
            return server.started

        await until(started, what="the server")
        yield f"https://127.0.0.1:{port}"
        server.should_exit = True
        await task


def client(folder: Path, pair: Pair | None) -> httpx.AsyncClient:
    """A client that comes with this certificate."""
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if pair is not None:
        context.load_cert_chain(*pair.written(folder, "client"))
    return httpx.AsyncClient(verify=context)


class TestOwnTls:
    async def test_knows_a_service_account_by_its_certificate_until_it_is_revoked(
        self, stack: Stack, tenant: Tenant, tmp_path: Path
    ) -> None:
        account, pair = await new_service_account(tenant, "admin"), made("pilot", AUTHORITY)
        registered = (await register(tenant, account, pair.pem)).json()["data"]

        async with speaking_tls(stack, tmp_path) as url, client(tmp_path, pair) as http:
            before = await http.get(url + ME)
            revoked = await http.post(f"{url}{CERTIFICATES}/{registered['id']}/revoke")
            after = await http.get(url + ME)

        assert ("service_account", account, ["admin"]) == tuple(
            before.json()["data"][name] for name in ("kind", "id", "scopes")
        )
        assert ("CN=pilot", "CN=Harbour Authority") == (registered["subject"], registered["issuer"])
        assert (200, 401) == (revoked.status_code, after.status_code)

    async def test_goes_on_without_a_certificate_and_refuses_those_it_does_not_know(
        self, stack: Stack, tenant: Tenant, tmp_path: Path
    ) -> None:
        async with speaking_tls(stack, tmp_path) as url:
            async with client(tmp_path, None) as http:
                plain = await http.get(url + ME, headers=tenant.headers)
            async with client(tmp_path, made("stranger", AUTHORITY)) as http:
                unknown = await http.get(url + ME)
            async with client(tmp_path, made("self-made")) as http:
                with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
                    await http.get(url + ME)

        assert (200, 401) == (plain.status_code, unknown.status_code)
        assert CERTIFICATES in unknown.json()["error"]["details"]["hint"]


class TestProxy:
    @asynccontextmanager
    async def behind(self, stack: Stack, network: str) -> AsyncIterator[httpx.AsyncClient]:
        """The API behind a proxy in this network."""
        changes = {"HARBORGRID_TRUSTED_PROXIES": network, "HARBORGRID_CLIENT_CERTIFICATE_HEADER": "Client-Cert"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in changes.items():
                patch.setenv(name, value)
            told = type(stack.settings)()
        settings = stack.settings.model_copy(
            update={name: getattr(told, name) for name in ("trusted_proxies", "client_certificate_header")}
        )
        async with (
            open_container(settings, process="test") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as http,
        ):
            yield http

    async def test_is_believed_if_it_is_trusted_in_either_notation(self, stack: Stack, tenant: Tenant) -> None:
        account, pair = await new_service_account(tenant), made("tug")
        await register(tenant, account, pair.pem)
        words = [":" + base64.b64encode(pair.der).decode() + ":", quote(pair.pem)]

        async with self.behind(stack, "10.0.0.0/8, 127.0.0.0/8") as http:
            answers = [await http.get(ME, headers={"Client-Cert": word}) for word in words]
            with_key = await http.get(ME, headers={"Client-Cert": words[0], **tenant.headers})
            await stack.http.post(f"/v1/security/service-accounts/{account}/disable", headers=tenant.headers)

            async def refused() -> bool:
                return (await http.get(ME, headers={"Client-Cert": words[0]})).status_code == 401

            await until(refused, what="this process to hear of it")

        assert [account, account] == [answer.json()["data"]["id"] for answer in answers]
        assert "api_key" == with_key.json()["data"]["kind"]

    async def test_that_nobody_named_is_not_heard(self, stack: Stack, tenant: Tenant) -> None:
        pair = made("liar")
        await register(tenant, await new_service_account(tenant), pair.pem)

        async with self.behind(stack, "10.0.0.0/8") as http:
            answer = await http.get(ME, headers={"Client-Cert": quote(pair.pem)})

        assert (401, "kernel.unauthenticated") == (answer.status_code, answer.json()["error"]["code"])

    @pytest.mark.parametrize("word", ["nonsense", ":nonsense:", "::", "%ff%fe", "-----BEGIN%20CERTIFICATE-----"])
    async def test_that_says_nonsense_is_refused(self, stack: Stack, word: str) -> None:
        async with self.behind(stack, "127.0.0.1") as http:
            answer = await http.get(ME, headers={"Client-Cert": word})

        assert 401 == answer.status_code


class TestRegistration:
    @pytest.mark.parametrize(
        ("pem", "words"),
        [
            ("nonsense", "no certificate in PEM"),
            (made("a").pem + made("b").pem, "without those of its issuers"),
            (AUTHORITY.pem, "an authority's"),
            (made("late", days=-1).pem, "has expired"),
            (made("server", usage=SERVER).pem, "not for clients"),
            (made("weak", key=rsa.generate_private_key(65537, 1024)).pem, "weaker"),
            (made("cut").pem.replace("M", "N", 1), "no certificate in PEM"),
        ],
        ids=range(7),
    )
    async def test_says_why_a_certificate_is_none(self, tenant: Tenant, pem: str, words: str) -> None:
        answer = await register(tenant, await new_service_account(tenant), pem)

        assert (422, "security.certificate_invalid") == (answer.status_code, answer.json()["error"]["code"])
        assert words in answer.json()["error"]["details"]["reason"]

    async def test_gives_a_certificate_to_one_account_until_it_is_revoked(self, tenant: Tenant) -> None:
        pair = made("ferry", usage=None)
        accounts = [await new_service_account(tenant) for _ in range(2)]
        first = (await register(tenant, accounts[0], pair.pem)).json()["data"]

        again = await register(tenant, accounts[1], pair.pem)
        await tenant.http.post(f"{CERTIFICATES}/{first['id']}/revoke", headers=tenant.headers)
        moved = await register(tenant, accounts[1], pair.pem)

        assert (409, "security.certificate_known") == (again.status_code, again.json()["error"]["code"])
        assert 201 == moved.status_code
        listed = (await tenant.get(CERTIFICATES, serviceAccountId=accounts[0]))["items"]
        assert [first["id"]] == [each["id"] for each in listed]
