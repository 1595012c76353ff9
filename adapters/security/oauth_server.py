"""The authorization server: OAuth 2.0 (RFC 6749, 7009, 7636, 7662, 8628, 9700) and OpenID Connect, on Authlib."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
    grants,
    list_to_scope,
    scope_to_list,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant

from adapters.kernel.clock import new_id
from adapters.security.oauth_requests import Desk
from domain.security.access_tokens import ACCESS_TOKEN, ID_TOKEN, access_claims, id_claims
from domain.security.grants import open_grant, revoke_grants
from domain.security.ids import AccessTokenId, GrantId, RefreshTokenId
from domain.security.oauth import (
    ACCESS_TOKEN_LIFETIME,
    GRANT_LIFETIME,
    OPENID,
    REFRESH_TOKEN_LIFETIME,
    SCOPES,
    Application,
    DeviceAuthorization,
    Grant,
    GrantType,
    RefreshToken,
    RevokeReason,
    grantable,
)
from domain.security.tokens import REFRESH_TOKEN, SECRET_BYTES

PROVING = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
ANY = [*PROVING, "none"]
_SLOWER = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be answered. body: JSON, or empty."""

    status: int
    body: Any
    headers: dict[str, str]


class Client(ClientMixin):  # type: ignore[misc]
    """An application, as Authlib asks about it."""

    def __init__(self, desk: Desk, client: Application) -> None:
        self._desk, self.registered = desk, client

    def get_client_id(self) -> str:
        return self.registered.id

    def get_default_redirect_uri(self) -> str | None:
        known = self.registered.redirect_uris
        return known[0] if len(known) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        asked = scope_to_list(scope) if scope else self.registered.scopes
        return str(list_to_scope([each for each in SCOPES if each in asked and each in self.registered.scopes]))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.registered.redirects_to(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return self._desk.knows_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return self.registered.authentication.value == method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and GrantType.AUTHORIZATION_CODE in self.registered.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.registered.grant_types


class Held:
    """A code or token, as Authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, desk: Desk) -> None:
        assert desk.holder is not None
        self._desk, self.grant = desk, desk.holder.grant
        self.code_challenge = desk.code.code_challenge if desk.code else None

    def get_redirect_uri(self) -> str:
        return self._desk.code.redirect_uri if self._desk.code else ""

    def get_scope(self) -> str:
        return " ".join(self.grant.scopes)

    def check_client(self, client: Client) -> bool:
        return self.grant.client_id == client.registered.id

    def is_expired(self) -> bool:
        token = self._desk.refresh_token
        return token is not None and token.expires_at <= self._desk.now

    def is_revoked(self) -> bool:
        token = self._desk.refresh_token
        return not self.grant.is_live(self._desk.now) or (token is not None and token.used_at is not None)


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request: it knows what is on the desk, and nothing else."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(scopes_supported=SCOPES)
        self.desk = desk
        self.register_token_generator("default", self._tokens)
        self.register_client_auth_method("private_key_jwt", self._asserted)

    def query_client(self, client_id: str) -> Client | None:
        client = self.desk.client
        return Client(self.desk, client) if client is not None and client.id == client_id else None

    def save_token(self, token: dict[str, Any], request: object) -> None:
        """Everything was said where it was made."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens: events are told by the domain."""

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Reply:
        return Reply(status, dict(body) if body else {}, dict(headers))

    def _asserted(self, query_client: Any, request: Any) -> Client | None:
        return Client(self.desk, self.desk.client) if self.desk.client and self.desk.has_asserted else None

    def _tokens(self, *, client: Client, scope: str, include_refresh_token: bool, **_: object) -> dict[str, Any]:
        desk, asked = self.desk, tuple(scope_to_list(scope) or ())
        grant, scopes = _own(desk, client.registered, asked) if desk.holder is None else _held(desk, asked)
        assert desk.access_signer is not None
        claims = access_claims(grant, scopes, issuer=desk.issuer, token_id=new_id(AccessTokenId), now=desk.now)
        token = {
            "token_type": "Bearer",
            "access_token": desk.access_signer.sign(claims, kind=ACCESS_TOKEN),
            "expires_in": claims["exp"] - claims["iat"],
            "scope": " ".join(scopes),
        }
        if include_refresh_token:
            token["refresh_token"] = _refresh_token(desk, grant)
        if "openid" in scopes and grant.user_id is not None:
            assert desk.id_signer is not None
            said = id_claims(
                grant,
                client.registered,
                token["access_token"],
                issuer=desk.issuer,
                algorithm=desk.id_signer.algorithm,
                now=desk.now,
            )
            token["id_token"] = desk.id_signer.sign(said, kind=ID_TOKEN)
        return token


class _S256(CodeChallenge):  # type: ignore[misc]
    """RFC 9700, section 2.1.1: everybody has to come with a challenge, and it is never the verifier itself."""

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        named = grant.request.payload.data
        if named.get("code_challenge_method") != "S256" or "code_challenge" not in named:
            raise InvalidRequestError("A code_challenge is needed, and code_challenge_method=S256.")
        super().validate_code_challenge(grant, redirect_uri)


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ANY

    def query_authorization_code(self, code: str, client: Client) -> Held | None:
        desk: Desk = self.server.desk
        known, holder = desk.code, desk.holder
        if known is None or holder is None or holder.grant.client_id != client.registered.id:
            return None
        if known.used_at is not None:
            _stolen(desk, holder.grant)
            return None
        return Held(desk) if known.expires_at > desk.now and holder.grant.is_live(desk.now) else None

    def authenticate_user(self, authorization_code: Held) -> object:
        return self.server.desk.holder

    def delete_authorization_code(self, authorization_code: Held) -> None:
        desk: Desk = self.server.desk
        assert desk.code is not None
        code_id, now = desk.code.id, desk.now
        desk.effects.append(lambda uow: uow.grants.use_code(code_id, at=now))


class _RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ANY
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Held | None:
        desk: Desk = self.server.desk
        known, holder = desk.refresh_token, desk.holder
        if known is None or holder is None or desk.client is None or holder.grant.client_id != desk.client.id:
            return None
        if known.used_at is not None:
            _stolen(desk, holder.grant)
            return None
        return Held(desk) if known.expires_at > desk.now and holder.grant.is_live(desk.now) else None

    def authenticate_user(self, refresh_token: Held) -> object:
        return self.server.desk.holder

    def revoke_old_credential(self, refresh_token: Held) -> None:
        desk: Desk = self.server.desk
        assert desk.refresh_token is not None
        token_id, now = desk.refresh_token.id, desk.now
        desk.effects.append(lambda uow: uow.grants.use_refresh_token(token_id, at=now))


class _OwnGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = PROVING

    def validate_token_request(self) -> None:
        super().validate_token_request()
        account = self.server.desk.service_account
        if account is None or account.disabled_at is not None:
            raise UnauthorizedClientError("The service account of this client is disabled.")


class _DeviceGrant(DeviceCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ANY

    def query_device_credential(self, device_code: str) -> _Device:
        desk: Desk = self.server.desk
        if desk.device is None or desk.device.used_at is not None:
            raise InvalidGrantError("Invalid device_code in request.")
        return _Device(desk, desk.device)

    def query_user_grant(self, user_code: str) -> tuple[object, bool] | None:
        desk: Desk = self.server.desk
        assert desk.device is not None
        if desk.device.denied_at is not None:
            return None, False
        if desk.device.grant_id is None:
            return None
        if desk.holder is None or not desk.holder.grant.is_live(desk.now):
            raise InvalidGrantError("The authorization was taken back.")
        return desk.holder, True

    def should_slow_down(self, credential: _Device) -> bool:
        desk: Desk = self.server.desk
        device = credential.device
        waited = None if device.polled_at is None else (desk.now - device.polled_at).total_seconds()
        too_soon = waited is not None and waited < device.interval_seconds
        interval = device.interval_seconds + (_SLOWER if too_soon else 0)
        polled = device.model_copy(update={"polled_at": desk.now, "interval_seconds": interval})
        desk.effects.append(lambda uow: uow.grants.put_device(polled, desk.device_hash))
        return too_soon

    def create_token_response(self) -> Any:
        desk: Desk = self.server.desk
        assert desk.device is not None
        used = desk.device.model_copy(update={"used_at": desk.now})
        desk.effects.append(lambda uow: uow.grants.put_device(used, desk.device_hash))
        return super().create_token_response()


class _Device:
    def __init__(self, desk: Desk, device: DeviceAuthorization) -> None:
        self._desk, self.device = desk, device

    def get_client_id(self) -> str:
        return self.device.client_id

    def get_scope(self) -> str:
        assert self._desk.holder is not None
        return " ".join(self._desk.holder.grant.scopes)

    def get_user_code(self) -> str:
        return self.device.user_code

    def is_expired(self) -> bool:
        return self.device.expires_at <= self._desk.now


def answer_token(desk: Desk) -> Reply:
    """The token endpoint's answer."""
    server = Server(desk)
    server.register_grant(_CodeGrant, [_S256(required=True)])
    for grant in (_RefreshGrant, _OwnGrant, _DeviceGrant):
        server.register_grant(grant)
    reply: Reply = server.create_token_response(desk.request)
    return reply


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request (RFC 6749, section 4.1.1)."""

    application: Application
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str


def authorization_request(desk: Desk) -> Asked:
    """What an application asks a person for.

    Raises OAuth2Error; it has a `redirect_uri` if the application is to be told of it.
    """
    server = Server(desk)
    server.register_grant(_CodeGrant, [_S256(required=True)])
    grant = server.get_consent_grant(desk.request)
    named, client = desk.request.named, desk.client
    assert client is not None, "get_consent_grant saw to it"
    for name, error in (("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")):
        if name in named:
            raise OAuth2Error(error=error, redirect_uri=grant.redirect_uri, state=named.get("state"))
    if named.get("response_mode", "query") != "query":
        raise InvalidRequestError(
            "The only response_mode is query.", redirect_uri=grant.redirect_uri, state=named.get("state")
        )
    scopes = tuple(Client(desk, client).get_allowed_scope(named.get("scope")).split())
    return Asked(client, grant.redirect_uri, scopes, named["code_challenge"])


def _stolen(desk: Desk, grant: Grant) -> None:
    """A code or token came a second time: one of the two who had it is a thief, and nobody knows which."""
    reason = RevokeReason.REUSE
    desk.effects.append(lambda uow: revoke_grants(uow, [grant], reason=reason, now=desk.now))


def _own(desk: Desk, client: Application, asked: tuple[str, ...]) -> tuple[Grant, tuple[str, ...]]:
    account = desk.service_account
    assert account is not None, "_OwnGrant saw to it"
    wanted = tuple(each for each in (asked or client.scopes) if each in client.scopes)
    scopes = tuple(each for each in grantable(wanted, account.role) if each not in OPENID)
    grant = Grant(
        id=new_id(GrantId),
        tenant_id=client.tenant_id,
        client_id=client.id,
        service_account_id=account.id,
        scopes=scopes,
        created_at=desk.now,
        expires_at=desk.now + ACCESS_TOKEN_LIFETIME,
    )
    desk.effects.append(lambda uow: open_grant(uow, grant, now=desk.now))
    return grant, scopes


def _held(desk: Desk, asked: tuple[str, ...]) -> tuple[Grant, tuple[str, ...]]:
    """The grant that is used now; from its first use on it lives as long as its tokens may."""
    holder, client = desk.holder, desk.client
    assert holder is not None
    assert client is not None
    grant = holder.grant
    if desk.refresh_token is None:
        refreshes = GrantType.REFRESH_TOKEN in client.grant_types
        ends = desk.now + (GRANT_LIFETIME if refreshes else ACCESS_TOKEN_LIFETIME)
        grant = grant.model_copy(update={"expires_at": ends})
        desk.effects.append(lambda uow: uow.grants.extend(grant.id, to=ends))
    return grant, grantable(asked, holder.role)


def _refresh_token(desk: Desk, grant: Grant) -> str:
    token_id = new_id(RefreshTokenId)
    token, secret_hash = REFRESH_TOKEN.mint(token_id, os.urandom(SECRET_BYTES))
    fresh = RefreshToken(
        id=token_id,
        grant_id=grant.id,
        created_at=desk.now,
        expires_at=min(desk.now + REFRESH_TOKEN_LIFETIME, grant.expires_at),
    )
    desk.effects.append(lambda uow: uow.grants.add_refresh_token(fresh, secret_hash))
    return token
