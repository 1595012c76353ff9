"""Mutual TLS: the certificate a caller came with, over our own TLS or by the word of a proxy that we trust."""

from __future__ import annotations

import base64
import binascii
import ssl
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.remembered import Remembered
from adapters.security.revocations import Revocations
from adapters.settings import Settings
from api.callers import Caller, seconds_left
from domain.kernel.errors import Unauthenticated
from domain.security.certificates import thumbprint
from domain.security.ids import ServiceAccountId
from domain.security.model import Principal
from domain.security.people import Role

_HOLDER = """
SELECT certificate.id, certificate.not_before, certificate.not_after, account.id AS service_account_id,
    account.tenant_id, account.role
FROM security_client_certificate AS certificate
JOIN security_service_account AS account
    ON account.id = certificate.service_account_id AND account.disabled_at IS NULL
JOIN security_tenant AS tenant ON tenant.id = account.tenant_id AND tenant.status = 'active'
WHERE certificate.thumbprint = $1 AND certificate.revoked_at IS NULL
"""


def is_trusted(settings: Settings, scope: Any) -> bool:
    """Whether the peer is a proxy whose word we take."""
    client = scope.get("client")
    if not client or not settings.trusted_proxies:
        return False
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    return any(address in network for network in settings.trusted_proxies)


class ClientCertificates:
    """Reads certificates, and knows whose they are."""

    def __init__(self, database: Database, settings: Settings, revocations: Revocations) -> None:
        self._database, self._settings = database, settings
        self._callers: Remembered[bytes, Caller] = Remembered(
            self._owner_of, revocations, lambda about, _, caller: about in caller.rests_on
        )
        self._header = settings.client_certificate_header.lower().encode()

    def _presented(self, scope: Any, headers: dict[bytes, bytes]) -> bytes | None:
        """The DER of what came with the connection, or of what a trusted proxy tells."""
        chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain")
        if chain:
            return ssl.PEM_cert_to_DER_cert(chain[0])
        told = headers.get(self._header) if self._header else None
        if not told or not is_trusted(self._settings, scope):
            return None
        der = _read(told)
        if der is None:
            raise Unauthenticated("the proxy's word of the client's certificate cannot be read")
        return der

    async def caller(self, scope: Any, headers: dict[bytes, bytes]) -> Caller | None:
        """Who came with a certificate, or None if nobody did. Raises Unauthenticated."""
        der = self._presented(scope, headers)
        if der is None:
            return None
        return self._callers.now(der) or await self._callers.get(der)

    async def _owner_of(self, der: bytes) -> tuple[Caller, float]:
        async def read(session: Session) -> Any:
            return await session.sql.fetchrow(_HOLDER, thumbprint(der))

        row, now = await self._database.run(None, read), utc_now()
        if row is None or not row["not_before"] <= now < row["not_after"]:
            raise Unauthenticated(
                "the client's certificate is not registered, was revoked, or is not valid now",
                hint="POST /v1/security/client-certificates registers it for a service account.",
            )
        principal = Principal(
            id=ServiceAccountId(row["service_account_id"]),
            tenant_id=row["tenant_id"],
            scopes=frozenset({Role(row["role"]).scope}),
        )
        return Caller.of(principal, row["id"]), seconds_left(row["not_after"])


def _read(told: bytes) -> bytes | None:
    """The DER in RFC 9440's `Client-Cert`, or in PEM as proxies escape it for a header."""
    text = told.strip()
    try:
        if text.startswith(b":") and text.endswith(b":") and len(text) > 2:
            return base64.b64decode(text[1:-1], validate=True)
        return ssl.PEM_cert_to_DER_cert(unquote_to_bytes(text).decode("ascii"))
    except (binascii.Error, ValueError):
        return None
