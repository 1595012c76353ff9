"""The authorization server's other endpoints: revocation, introspection, and devices (RFC 7009, 7662, 8628)."""

from __future__ import annotations

import os
from typing import Any

from authlib.oauth2.rfc6749 import UnauthorizedClientError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint

from adapters.kernel.clock import new_id
from adapters.security.oauth_requests import Desk
from adapters.security.oauth_server import ANY, PROVING, Client, Held, Reply, Server
from domain.security.grants import revoke_grants
from domain.security.ids import DeviceAuthorizationId
from domain.security.oauth import DEVICE_CODE_LIFETIME, DeviceAuthorization, GrantType, RevokeReason, grantable
from domain.security.tokens import DEVICE_CODE, SECRET_BYTES


class _DeviceEndpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = ANY
    EXPIRES_IN = int(DEVICE_CODE_LIFETIME.total_seconds())

    def __init__(self, server: Server, verification_uri: str) -> None:
        super().__init__(server)
        self._verification_uri, self._id, self._hash = verification_uri, new_id(DeviceAuthorizationId), b""

    def authenticate_client(self, request: Any) -> Client:
        client: Client = super().authenticate_client(request)
        if not client.check_grant_type(GrantType.DEVICE_CODE):
            raise UnauthorizedClientError("The client is not registered for the device grant.")
        return client

    def get_verification_uri(self) -> str:
        return self._verification_uri

    def generate_device_code(self) -> str:
        code, self._hash = DEVICE_CODE.mint(self._id, os.urandom(SECRET_BYTES))
        return code

    def save_device_credential(self, client_id: str, scope: str | None, data: dict[str, Any]) -> None:
        desk: Desk = self.server.desk
        assert desk.client is not None
        waiting = DeviceAuthorization(
            id=self._id,
            client_id=desk.client.id,
            user_code=data["user_code"].replace("-", ""),
            scopes=tuple(Client(desk, desk.client).get_allowed_scope(scope).split()),
            created_at=desk.now,
            expires_at=desk.now + DEVICE_CODE_LIFETIME,
            interval_seconds=data["interval"],
        )
        desk.effects.append(lambda uow: uow.grants.put_device(waiting, self._hash))


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = ANY

    def query_token(self, token_string: str, token_type_hint: str | None) -> Held | None:
        return Held(self.server.desk) if self.server.desk.holder else None

    def revoke_token(self, token: Held, request: Any) -> None:
        desk: Desk = self.server.desk
        reason = RevokeReason.BY_APPLICATION
        desk.effects.append(lambda uow: revoke_grants(uow, [token.grant], reason=reason, now=desk.now))


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = PROVING

    def query_token(self, token_string: str, token_type_hint: str | None) -> Held | None:
        return Held(self.server.desk) if self.server.desk.holder else None

    def check_permission(self, token: Held, client: Client, request: Any) -> bool:
        """Every application of a tenant may ask about its tokens: it may be the API that they were sent to."""
        return token.grant.tenant_id == client.registered.tenant_id

    def introspect_token(self, token: Held) -> dict[str, Any]:
        desk: Desk = self.server.desk
        if desk.access_claims is not None:
            assert desk.holder is not None
            scopes = grantable(str(desk.access_claims.get("scope", "")).split(), desk.holder.role)
            return {**desk.access_claims, "scope": " ".join(scopes), "active": True, "token_type": "Bearer"}
        assert desk.refresh_token is not None
        return {
            "active": True,
            "iss": desk.issuer,
            "sub": token.grant.user_id or token.grant.service_account_id,
            "client_id": token.grant.client_id,
            "scope": " ".join(grantable(token.grant.scopes, desk.holder.role)) if desk.holder else "",
            "exp": int(desk.refresh_token.expires_at.timestamp()),
            "iat": int(desk.refresh_token.created_at.timestamp()),
        }


def answer_revocation(desk: Desk) -> Reply:
    """The revocation endpoint's answer (RFC 7009)."""
    return _endpoint(desk, _Revocation)


def answer_introspection(desk: Desk) -> Reply:
    """The introspection endpoint's answer (RFC 7662)."""
    return _endpoint(desk, _Introspection)


def answer_device(desk: Desk, verification_uri: str) -> Reply:
    """The device authorization endpoint's answer (RFC 8628)."""
    server = Server(desk)
    server.register_endpoint(_DeviceEndpoint(server, verification_uri))
    reply: Reply = server.create_endpoint_response("device_authorization", desk.request)
    return reply


def _endpoint(desk: Desk, endpoint: type[Any]) -> Reply:
    server = Server(desk)
    server.register_endpoint(endpoint)
    reply: Reply = server.create_endpoint_response(endpoint.ENDPOINT_NAME, desk.request)
    return reply
