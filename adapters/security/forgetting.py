"""Forgets what people's sign-ins leave behind once nothing is decided by it any more."""

from __future__ import annotations

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.security.jose import CLOCK_SKEW
from domain.security.sign_in import KNOWN_NETWORK_FOR
from domain.security.sign_in_tries import FORGOTTEN_AFTER

_AT_ONCE = 5_000


class Forgetting:
    """Deletes failed tries after a day, links and grants after a week, challenges at once, and sessions once their
    network counts as unknown again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self) -> int:
        """Rows deleted: all that are due, some thousands in a transaction."""
        gone = 0
        while some := await self._database.run(None, self._forget):
            gone += some
        return gone

    async def _forget(self, session: Session) -> int:
        old = {
            "security_sign_in_try": ("last_at < now() - $1::interval", FORGOTTEN_AFTER),
            "security_password_reset": ("created_at < now() - $1::interval", FORGOTTEN_AFTER * 7),
            "security_device_authorization": ("expires_at < now() - $1::interval", FORGOTTEN_AFTER * 7),
            "security_grant": ("expires_at < now() - $1::interval", FORGOTTEN_AFTER * 7),
            "security_client_assertion": ("expires_at < now() - $1::interval", CLOCK_SKEW * 2),
            "security_passkey_challenge": ("expires_at < now() - $1::interval", CLOCK_SKEW * 2),
            "security_provider_sign_in": ("expires_at < now() - $1::interval", CLOCK_SKEW * 2),
            "security_session": ("greatest(expires_at, created_at) < now() - $1::interval", KNOWN_NETWORK_FOR),
        }
        gone = 0
        for table, (condition, age) in old.items():
            rows = await session.sql.fetch(
                f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {condition} LIMIT {_AT_ONCE}) "
                "RETURNING true",
                age,
            )
            gone += len(rows)
        return gone
