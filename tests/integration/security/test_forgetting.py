"""What sign-ins leave behind is forgotten when nothing is decided by it any more, and not before."""

from __future__ import annotations

from datetime import timedelta

from conftest import Stack
from people import new_member, signed_in

from adapters.security.forgetting import Forgetting
from domain.security.people import Role
from domain.security.sign_in import KNOWN_NETWORK_FOR


async def test_forgets_the_old_and_keeps_the_rest(stack: Stack) -> None:
    tenant = await stack.tenant()
    await new_member(stack, tenant, "elder@forgetting.example", Role.MEMBER)
    sessions = [await signed_in(stack.http, "elder@forgetting.example") for _ in range(2)]
    async with stack.container.database.connection() as connection:
        await connection.execute(
            "UPDATE platform.security_session SET expires_at = now() - $2::interval, created_at = now() - $2::interval "
            "WHERE id = $1",
            sessions[0].session_id,
            KNOWN_NETWORK_FOR + timedelta(minutes=1),
        )
        await connection.execute(
            "INSERT INTO platform.security_sign_in_try "
            "SELECT account, 'here', 1, now() - hours * interval '1 hour', now() "
            "FROM (VALUES ('forgotten', 25), ('remembered', 23)) AS try (account, hours)"
        )
        await connection.execute(
            "INSERT INTO platform.security_password_reset (id, created_at, expires_at) "
            "VALUES ('old', now() - interval '8 days', now()), ('young', now() - interval '6 days', now())"
        )

        forgetting = Forgetting(stack.container.database)
        counts = [await forgetting.forget(), await forgetting.forget()]

        left = await connection.fetch(
            "SELECT id FROM platform.security_session WHERE id = ANY($1) "
            "UNION SELECT account FROM platform.security_sign_in_try WHERE network = 'here' "
            "UNION SELECT id FROM platform.security_password_reset WHERE id IN ('old', 'young')",
            [session.session_id for session in sessions],
        )
    assert counts[0] >= 3
    assert 0 == counts[1]
    assert {sessions[1].session_id, "remembered", "young"} == {row["id"] for row in left}
