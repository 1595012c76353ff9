"""Applications in tests: registered by a tenant, and let in by people."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from conftest import Stack, Tenant
from people import Person

AUTHORIZE = "/v1/security/authorize"
DEVICES = "/v1/security/devices"
OAUTH = "/v1/security/oauth2"
CALLBACK = "https://reports.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
FIRST_PARTY = ("authorization_code", "refresh_token")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Registered:
    """An application with its secret."""

    id: str
    secret: str | None
    tenant: Tenant

    @property
    def auth(self) -> tuple[str, str]:
        """For HTTP Basic."""
        return self.id, self.secret or ""


async def new_service_account(tenant: Tenant, role: str = "member") -> str:
    """A program that is somebody; its id."""
    answer = await tenant.http.post(
        "/v1/security/service-accounts", json={"name": "nightly import", "role": role}, headers=tenant.headers
    )
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["data"]["id"]
    return found


async def registered(tenant: Tenant, **changes: Any) -> Registered:
    """An application that people let in, unless `changes` say otherwise."""
    body = {
        "name": "Reports",
        "grantTypes": FIRST_PARTY,
        "redirectUris": [CALLBACK],
        "scopes": ["openid", "profile", "email", "read", "write", "admin"],
        **changes,
    }
    answer = await tenant.http.post("/v1/security/applications", json=body, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    return Registered(data["application"]["id"], data["clientSecret"], tenant)


async def on_its_own(
    tenant: Tenant, *, role: str = "member", scopes: tuple[str, ...] = ("read", "write")
) -> Registered:
    """An application that acts as a service account."""
    account = await new_service_account(tenant, role)
    grants = ["client_credentials"]
    return await registered(tenant, grantTypes=grants, redirectUris=[], scopes=scopes, serviceAccountId=account)


def challenge_of(verifier: str) -> str:
    """S256 (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def request_of(application: Registered, **changes: str | None) -> str:
    """The query of an authorization request."""
    named = {
        "response_type": "code",
        "client_id": application.id,
        "redirect_uri": CALLBACK,
        "scope": "openid read",
        "state": "a state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return urlencode({name: value for name, value in named.items() if value is not None})


async def decided(http: httpx.AsyncClient, person: Person, query: str, *, approved: bool = True) -> httpx.Response:
    """What the page sends once somebody has decided."""
    return await http.post(AUTHORIZE, json={"query": query, "approved": approved}, headers=person.headers)


async def code_for(stack: Stack, application: Registered, person: Person, **changes: str | None) -> str:
    """An authorization code that this person has let the application have."""
    answer = await decided(stack.http, person, request_of(application, **changes))
    assert answer.status_code == 200, answer.text
    code: str = parse_qs(urlsplit(answer.json()["data"]["redirectTo"]).query)["code"][0]
    return code


async def exchanged(stack: Stack, application: Registered, code: str, **changes: str) -> httpx.Response:
    """The token endpoint's answer to a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return await stack.http.post(f"{OAUTH}/token", data=form, auth=application.auth)


async def tokens_for(stack: Stack, application: Registered, person: Person, **changes: str | None) -> dict[str, Any]:
    """Tokens with which the application acts for this person."""
    answer = await exchanged(stack, application, await code_for(stack, application, person, **changes))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def refreshed(stack: Stack, application: Registered, token: str, **changes: str) -> httpx.Response:
    """The token endpoint's answer to a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
    return await stack.http.post(f"{OAUTH}/token", data=form, auth=application.auth)


async def own_token(stack: Stack, application: Registered, **changes: str) -> httpx.Response:
    """The token endpoint's answer to an application's own credentials."""
    form = {"grant_type": "client_credentials", **changes}
    return await stack.http.post(f"{OAUTH}/token", data=form, auth=application.auth)


def bearer(token: str) -> dict[str, str]:
    """The header that carries it."""
    return {"Authorization": f"Bearer {token}"}


async def known_by(stack: Stack, token: str) -> httpx.Response:
    """Who comes with this token."""
    return await stack.http.get("/v1/security/me", headers=bearer(token))


async def introspected(stack: Stack, application: Registered, token: str) -> dict[str, Any]:
    """What the server says of a token."""
    answer = await stack.http.post(f"{OAUTH}/introspect", data={"token": token}, auth=application.auth)
    told: dict[str, Any] = answer.json()
    return told


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status, and OAuth's word for it."""
    return answer.status_code, answer.json()["error"]
