"""Requests to the authorization server, and all that they name, read before anything is decided.

Authlib decides without waiting for anything: what it asks for has been read in the transaction by then, and what it
wants written is written in the same transaction afterwards.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from adapters.security.signing_keys import TokenKeys, TokenSigner
from domain.security.access_tokens import ACCESS_TOKEN, ACCESS_TOKEN_ALGORITHM
from domain.security.errors import TokenInvalid
from domain.security.ids import (
    ApplicationId,
    AuthorizationCodeId,
    ClientSecretId,
    DeviceAuthorizationId,
    GrantId,
    RefreshTokenId,
)
from domain.security.jose import Expected, read_keys, verify
from domain.security.oauth import (
    Application,
    AuthorizationCode,
    ClientAuthentication,
    DeviceAuthorization,
    GrantType,
    Holder,
    RefreshToken,
    ServiceAccount,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.tokens import AUTHORIZATION_CODE, CLIENT_SECRET, DEVICE_CODE, REFRESH_TOKEN, same

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Effect = Callable[[SecurityUnitOfWork], Awaitable[object]]
_ECHOED = re.compile(r"[ !#-\[\]-~]*")  # RFC 6749, section 4.1.2.1: what an error's description may have
_PRINTABLE = re.compile(r"[ -~]*")
_MOST_PARAMETERS = 40


class Parameters(OAuth2Request):  # type: ignore[misc]
    """What a client sent, as Authlib wants to see it. The proxy in front of us has seen to TLS."""

    def __init__(self, named: Mapping[str, str], *, method: str, authorization: str = "") -> None:
        super().__init__(method, "https://harborgrid.invalid/", headers={"Authorization": authorization})
        self.named = dict(named)
        self.payload = BasicOAuth2Payload(self.named)

    @property
    def form(self) -> dict[str, str]:
        """The body's parameters."""
        return self.named

    @property
    def args(self) -> dict[str, str]:
        """The query's parameters."""
        return self.named


def parameters(encoded: str) -> dict[str, str]:
    """`application/x-www-form-urlencoded`; what has no value counts as not sent. Raises InvalidRequestError."""
    try:
        pairs = parse_qsl(encoded, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise InvalidRequestError("The parameters cannot be read.") from None
    named = dict(pairs)
    if len(named) < len(pairs):
        raise InvalidRequestError("A parameter is there more than once.")
    for name, value in named.items():
        free = name in ("state", "nonce", "login_hint", "ui_locales", "client_assertion")
        if not (_PRINTABLE if free else _ECHOED).fullmatch(value) and name != "login_hint":
            raise InvalidRequestError("A parameter has characters that it cannot have.")
    return named


@dataclass(slots=True)
class Desk:
    """All that one request names. Only what the request proves to know is believed: hashes are compared here."""

    issuer: str
    now: datetime
    request: Parameters
    client: Application | None = None
    service_account: ServiceAccount | None = None
    secrets: dict[ClientSecretId, bytes] = field(default_factory=dict)
    has_asserted: bool = False
    code: AuthorizationCode | None = None
    refresh_token: RefreshToken | None = None
    device: DeviceAuthorization | None = None
    device_hash: bytes = b""
    holder: Holder | None = None
    access_claims: dict[str, Any] | None = None
    access_signer: TokenSigner | None = None
    id_signer: TokenSigner | None = None
    effects: list[Effect] = field(default_factory=list)

    def knows_secret(self, presented: str) -> bool:
        """Whether this is a secret of the client's that works."""
        read = CLIENT_SECRET.read(presented)
        return read is not None and same(read[1], self.secrets.get(read[0], bytes(32))) and read[0] in self.secrets


async def gather(
    uow: SecurityUnitOfWork, keys: TokenKeys, desk: Desk, token_url: str, *, by_token: bool = False
) -> None:
    """Read what the request names. by_token: it is about a token, whatever grant_type it names."""
    named = desk.request.named
    await _client(uow, desk, token_url)
    if desk.client is None:
        return
    desk.access_signer = keys.signer(ACCESS_TOKEN_ALGORITHM, desk.now)
    desk.id_signer = keys.signer(desk.client.id_token_algorithm, desk.now)
    if desk.client.service_account_id is not None:
        desk.service_account = await uow.service_accounts.get(desk.client.tenant_id, desk.client.service_account_id)
    grant_type = named.get("grant_type")
    grant_id: GrantId | None = None
    if by_token:
        grant_id = await _token(uow, keys, desk, named.get("token", ""))
    elif grant_type == GrantType.AUTHORIZATION_CODE:
        grant_id = await _code(uow, desk, named.get("code", ""))
    elif grant_type == GrantType.REFRESH_TOKEN:
        grant_id = await _refresh_token(uow, desk, named.get("refresh_token", ""))
    elif grant_type == GrantType.DEVICE_CODE:
        grant_id = await _device(uow, desk, named.get("device_code", ""))
    if grant_id is not None:
        desk.holder = await uow.grants.holder(grant_id)


async def named_client(uow: SecurityUnitOfWork, named: Mapping[str, str]) -> Application | None:
    """The application that the query names."""
    try:
        return await uow.applications.find(ApplicationId.parse(named.get("client_id", "")))
    except ValueError:
        return None


async def _client(uow: SecurityUnitOfWork, desk: Desk, token_url: str) -> None:
    named = desk.request.named
    assertion = named.get("client_assertion") if named.get("client_assertion_type") == ASSERTION_TYPE else None
    told = _basic(desk.request.headers["Authorization"]) or named.get("client_id") or _unverified_subject(assertion)
    try:
        client_id = ApplicationId.parse(told or "")
    except ValueError:
        return
    desk.client = await uow.applications.find(client_id)
    if desk.client is None:
        return
    desk.secrets = await uow.applications.secrets(client_id, now=desk.now)
    if assertion is not None and desk.client.authentication is ClientAuthentication.PRIVATE_KEY_JWT:
        desk.has_asserted = await _asserts(uow, desk, desk.client, assertion, token_url)


async def _asserts(uow: SecurityUnitOfWork, desk: Desk, client: Application, assertion: str, token_url: str) -> bool:
    """Whether the client has signed this, for us, once (RFC 7523, section 3)."""
    assert client.jwks is not None, "register saw to it"
    keys = read_keys(client.jwks)
    for audience in (desk.issuer, token_url):
        try:
            claims = verify(assertion, keys, Expected(issuer=client.id, audience=audience), now=desk.now)
        except TokenInvalid:
            continue
        jti = claims.get("jti")
        if claims["sub"] != client.id or not (isinstance(jti, str) and 0 < len(jti) <= 200 and jti.isprintable()):
            return False
        ends = min(claims["exp"], desk.now.timestamp() + 3_600)
        return ends == claims["exp"] and await uow.applications.use_assertion(client.id, jti, ends=ends)
    return False


async def _code(uow: SecurityUnitOfWork, desk: Desk, presented: str) -> GrantId | None:
    read = AUTHORIZATION_CODE.read(presented)
    found = await uow.grants.code(AuthorizationCodeId(read[0])) if read else None
    if read is None or found is None or not same(read[1], found[1]):
        return None
    desk.code = found[0]
    return desk.code.grant_id


async def _refresh_token(uow: SecurityUnitOfWork, desk: Desk, presented: str) -> GrantId | None:
    read = REFRESH_TOKEN.read(presented)
    found = await uow.grants.refresh_token(RefreshTokenId(read[0])) if read else None
    if read is None or found is None or not same(read[1], found[1]):
        return None
    desk.refresh_token = found[0]
    return desk.refresh_token.grant_id


async def _device(uow: SecurityUnitOfWork, desk: Desk, presented: str) -> GrantId | None:
    read = DEVICE_CODE.read(presented)
    found = await uow.grants.device(DeviceAuthorizationId(read[0])) if read else None
    if read is None or found is None or not same(read[1], found[1]):
        return None
    desk.device, desk.device_hash = found
    return desk.device.grant_id


async def _token(uow: SecurityUnitOfWork, keys: TokenKeys, desk: Desk, presented: str) -> GrantId | None:
    if presented.startswith(REFRESH_TOKEN.prefix):
        return await _refresh_token(uow, desk, presented)
    expected = Expected(issuer=desk.issuer, audience=desk.issuer, kinds=(ACCESS_TOKEN,))
    try:
        claims = verify(presented, keys.verifying, expected, now=desk.now)
        grant_id = GrantId.parse(str(claims.get("grant_id")))
    except (TokenInvalid, ValueError):
        return None
    desk.access_claims = claims
    return grant_id


def readable(authorization: str) -> str:
    """The header, if its credentials can be read (RFC 7617); otherwise nothing, as if none had come."""
    return authorization if _basic(authorization) is not None else ""


def _basic(authorization: str) -> str | None:
    scheme, _, told = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return unquote(base64.b64decode(told.strip(), validate=True).decode("ascii").partition(":")[0])
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _unverified_subject(assertion: str | None) -> str | None:
    """Whose assertion it says it is; whether it is theirs is seen later."""
    if assertion is None or assertion.count(".") != 2:
        return None
    payload = assertion.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None
