"""OpenID Connect as a client: asks a tenant's identity provider who somebody is."""

from __future__ import annotations

import base64
import hmac
import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from adapters.kernel.outside import Outside, OutsideForbidden, OutsideUnreachable
from adapters.security.keyring import PostgresKeyRing
from domain.kernel.ids import TenantId
from domain.security.envelope import NONCE_BYTES
from domain.security.errors import TokenInvalid
from domain.security.identity_providers import Identity, Metadata, claims_of
from domain.security.jose import Expected, KeySet, usable_keys, verify
from domain.security.oauth import IdentityProvider, ProviderSignIn
from domain.security.oauth_errors import IdentityProviderInvalid
from domain.security.people_errors import ProviderAnswerRefused, ProviderUnreachable

_REMEMBERED_SECONDS = 300.0
_SILENT_SECONDS = 10.0
_MOST_REMEMBERED = 1_000


class OpenIdFederation:
    """Speaks OpenID Connect Core 1.0 with providers; what they say of themselves is remembered for five minutes."""

    def __init__(self, outside: Outside, keys: PostgresKeyRing, now: Callable[[], datetime]) -> None:
        self._outside, self._secrets, self._now = outside, keys, now
        self._known: dict[str, tuple[Metadata, str, float]] = {}
        self._silent: dict[str, float] = {}
        self._keys: dict[str, tuple[KeySet, float]] = {}

    async def sealed(self, secret: str, *, tenant: TenantId, provider: str) -> bytes:
        """Our secret at a tenant's provider, encrypted under the tenant's data key."""
        cipher = await self._secrets.cipher(tenant)
        return cipher.seal(secret.encode(), nonce=os.urandom(NONCE_BYTES), context=provider.encode())

    async def metadata(self, issuer: str) -> Metadata:
        """What a provider says of itself. Raises IdentityProviderInvalid, ProviderUnreachable."""
        return (await self._discovered(issuer))[0]

    async def identity(self, provider: IdentityProvider, sign_in: ProviderSignIn, code: str) -> Identity:
        """Exchange a code, and believe what is signed. Raises ProviderAnswerRefused, ProviderUnreachable."""
        metadata, jwks_uri = await self._discovered(provider.issuer)
        cipher = await self._secrets.cipher(provider.tenant_id)
        secret = cipher.unseal(provider.sealed, context=provider.id.encode()).decode()
        basic = base64.b64encode(f"{quote(provider.client_id, '')}:{quote(secret, '')}".encode()).decode()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": sign_in.redirect_uri,
            "code_verifier": sign_in.code_verifier,
        }
        tokens = await self._json(
            "POST",
            metadata.token_endpoint,
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
        )
        claims = await self._verified(provider, jwks_uri, str(tokens.get("id_token", "")))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), sign_in.nonce.encode()):
            raise ProviderAnswerRefused(reason="its ID token is for another sign-in (nonce)")
        # OpenID Connect Core 3.1.3.7: several audiences need an authorized party, and it has to be us.
        if isinstance(claims["aud"], list) and claims.get("azp", provider.client_id) != provider.client_id:
            raise ProviderAnswerRefused(reason="its ID token is for another application (azp)")
        if "email" not in claims and metadata.userinfo_endpoint is not None:
            claims = {**claims, **await self._told(metadata.userinfo_endpoint, tokens, claims["sub"])}
        return claims_of(claims)

    async def _told(self, endpoint: str, tokens: dict[str, Any], subject: str) -> dict[str, Any]:
        told = await self._json("GET", endpoint, headers={"Authorization": f"Bearer {tokens.get('access_token', '')}"})
        # OpenID Connect Core 5.3.2: otherwise it may be about somebody else.
        if told.get("sub") != subject:
            raise ProviderAnswerRefused(reason="its userinfo is about somebody else")
        return told

    async def _verified(self, provider: IdentityProvider, jwks_uri: str, token: str) -> dict[str, Any]:
        expected = Expected(issuer=provider.issuer, audience=provider.client_id)
        known = self._keys.get(jwks_uri)
        if known is not None and known[1] > time.monotonic():
            try:
                return verify(token, known[0], expected, now=self._now())
            except TokenInvalid:
                # It may have rotated since; what is wrong for another reason is wrong again below.
                del self._keys[jwks_uri]
        keys = usable_keys(await self._json("GET", jwks_uri))
        _remember(self._keys, jwks_uri, (keys, time.monotonic() + _REMEMBERED_SECONDS))
        try:
            return verify(token, keys, expected, now=self._now())
        except TokenInvalid as error:
            raise ProviderAnswerRefused(reason=f"its ID token: {error.details['reason']}") from None

    async def _discovered(self, issuer: str) -> tuple[Metadata, str]:
        known = self._known.get(issuer)
        if known is not None and known[2] > time.monotonic():
            return known[0], known[1]
        if self._silent.get(issuer, 0.0) > time.monotonic():
            raise ProviderUnreachable(reason="it did not answer a moment ago")
        try:
            told = await self._json("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration", invalid=True)
        except ProviderUnreachable:
            _remember(self._silent, issuer, time.monotonic() + _SILENT_SECONDS)
            raise
        problems = []
        if told.get("issuer") != issuer:
            problems.append(f"issuer: it calls itself {told.get('issuer')!r}")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        problems += [f"it has no {name}" for name in wanted if not isinstance(told.get(name), str)]
        methods = told.get("code_challenge_methods_supported", ["S256"])
        if not isinstance(methods, list) or "S256" not in methods:
            problems.append("it does not support PKCE with S256")
        if problems:
            raise IdentityProviderInvalid(problems=problems)
        userinfo = told.get("userinfo_endpoint")
        metadata = Metadata(
            issuer=issuer,
            authorization_endpoint=told["authorization_endpoint"],
            token_endpoint=told["token_endpoint"],
            userinfo_endpoint=userinfo if isinstance(userinfo, str) else None,
        )
        until = time.monotonic() + _REMEMBERED_SECONDS
        _remember(self._known, issuer, (metadata, told["jwks_uri"], until))
        return metadata, told["jwks_uri"]

    async def _json(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        invalid: bool = False,
    ) -> dict[str, Any]:
        try:
            reply = await self._outside.ask(method, url, headers=headers, content=content)
            told = json.loads(reply.body) if reply.status == 200 else None
        except OutsideUnreachable as error:
            raise ProviderUnreachable(reason=str(error)) from None
        except OutsideForbidden as error:
            raise IdentityProviderInvalid(problems=[f"{url}: {error}"]) from None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            said = f"it answered {reply.status} where JSON was expected"
            raise (
                IdentityProviderInvalid(problems=[f"{url}: {said}"]) if invalid else ProviderAnswerRefused(reason=said)
            )
        return told


def _remember(known: dict[str, Any], key: str, value: Any) -> None:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[key] = value
