"""Has PostgreSQL tell every process that something which processes remember has changed."""

from __future__ import annotations

from adapters.postgres.session import Session

CHANNEL = "harborgrid_access"


async def announce_change(session: Session, about: str) -> None:
    """Tell of it once the session's transaction is committed. about: the id of what has changed, or of its tenant.

    Tables whose rows name whom they are about do it with a trigger; a tenant's own do not know whose they are.
    """
    await session.sql.execute("SELECT pg_notify($1, $2)", CHANNEL, about)
