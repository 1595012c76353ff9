"""Someone we know, and the holders of access tokens among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.remembered import FRESH_SECONDS
from adapters.security.signing_keys import SigningKeyRing
from domain.kernel.context import Actor
from domain.security.access_tokens import ACCESS_TOKEN
from domain.security.errors import TokenInvalid
from domain.security.ids import GrantId, ServiceAccountId
from domain.security.jose import Expected, verify
from domain.security.model import Principal
from domain.security.oauth import platform_scopes
from domain.security.people import Role

_GRANT = """
SELECT granted.id, granted.tenant_id, granted.client_id, granted.user_id, granted.service_account_id, granted.factors,
    granted.proved_at, granted.expires_at, coalesce(membership.role, account.role) AS role
FROM security_grant AS granted
JOIN security_application AS application ON application.id = granted.client_id AND application.disabled_at IS NULL
JOIN security_tenant AS tenant ON tenant.id = granted.tenant_id AND tenant.status = 'active'
LEFT JOIN security_membership AS membership
    ON membership.tenant_id = granted.tenant_id AND membership.user_id = granted.user_id
LEFT JOIN security_service_account AS account
    ON account.id = granted.service_account_id AND account.disabled_at IS NULL
WHERE granted.id = $1 AND granted.revoked_at IS NULL AND granted.expires_at > now()
    AND coalesce(membership.role, account.role) IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone we know: what they may do, and how the audit trail names them.

    rests_on: ids of what this knowledge is about; when one of them changes, it has to be looked up again.
    """

    principal: Principal
    actor: Actor
    rests_on: frozenset[str]

    @classmethod
    def of(cls, principal: Principal, *rests_on: str) -> Caller:
        """A caller who is this principal."""
        return cls(
            principal,
            Actor(kind=principal.kind, id=principal.id),
            frozenset({principal.id, principal.tenant_id or "", *rests_on}),
        )


def looks_like_jwt(presented: str) -> bool:
    """Whether it has the three parts of a compact JWS."""
    return presented.count(".") == 2


def seconds_left(ends: datetime | None) -> float:
    """For how long a caller can be remembered whose credentials end then."""
    left = FRESH_SECONDS if ends is None else (ends - utc_now()).total_seconds()
    return min(FRESH_SECONDS, left)


class AccessTokens:
    """Who comes with an access token of ours. It holds while its grant does, and while its signing key is believed."""

    def __init__(self, database: Database, keys: SigningKeyRing, issuer: str) -> None:
        self._database, self._keys = database, keys
        self._expected = Expected(issuer=issuer, audience=issuer, kinds=(ACCESS_TOKEN,))

    async def owner_of(self, presented: str) -> tuple[Caller, float]:
        """Who it is, and for how many seconds that may be remembered. Raises TokenInvalid."""
        known = await self._keys.known()
        claims = verify(presented, known.verifying, self._expected, now=utc_now())
        try:
            grant_id = GrantId.parse(str(claims.get("grant_id")))
        except ValueError:
            raise TokenInvalid(reason="it names no grant") from None

        async def read(session: Session) -> Any:
            return await session.sql.fetchrow(_GRANT, grant_id)

        row = await self._database.run(None, read)
        if row is None:
            raise TokenInvalid(reason="what it was granted by was revoked or has ended")
        ends = datetime.fromtimestamp(claims["exp"], tz=utc_now().tzinfo)
        signed_by = [pair.id for pair in known.pairs]
        return (
            Caller.of(_principal(row, str(claims.get("scope", ""))), row["id"], row["client_id"], *signed_by),
            seconds_left(min(ends, row["expires_at"])),
        )


def _principal(row: Any, scope: str) -> Principal:
    scopes = platform_scopes(scope.split(), Role(row["role"]))
    return Principal(
        id=row["user_id"] or ServiceAccountId(row["service_account_id"]),
        tenant_id=row["tenant_id"],
        scopes=scopes,
        grant_id=row["id"],
        granted=tuple(scope.split()),
        # An application never owns, whoever it acts for.
        role=Role.of_scopes(scopes) if row["user_id"] else None,
        factors=tuple(row["factors"]),
        proved_at=row["proved_at"],
    )
